// SPDX-License-Identifier: BSD-3-Clause
#include "control/classify/catalogue_file.h"

#include "control/classify/catalogue_values.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace foregate::control {
namespace {

using dataplane::AppType;
using dataplane::CatalogueSpec;
using dataplane::LengthFact;
using dataplane::PortSpace;

std::vector<std::string> problems_of(std::string_view text) {
    CatalogueSpec spec;
    std::vector<ConfigProblem> problems;
    read_catalogue(text, "site.yaml", spec, problems);
    std::vector<std::string> out;
    for (const ConfigProblem& problem : problems) {
        out.push_back(problem.to_string());
    }
    return out;
}

TEST(CatalogueFile, TheBuiltInOneReadsAndCompiles) {
    const CatalogueSpec spec = load_catalogue({});
    EXPECT_GT(spec.protocols.size(), 80U);
    EXPECT_GT(spec.applications.size(), 100U);
    const dataplane::Catalogue catalogue = dataplane::Catalogue::build(spec);
    for (const char* name : {"TLS", "HTTP", "DNS", "QUIC", "SSH", "SMB", "RDP", "PostgreSQL", "Kerberos", "BitTorrent"}) {
        EXPECT_NE(catalogue.number(name), dataplane::Catalogue::kUnknown) << name;
    }
    EXPECT_EQ(catalogue.port_type(std::uint8_t{6}, 443), AppType::web);
    EXPECT_EQ(catalogue.port_type(std::uint8_t{6}, 9392), AppType::backup);
}

TEST(CatalogueFile, EveryKeyIsRead) {
    CatalogueSpec spec;
    std::vector<ConfigProblem> problems;
    read_catalogue("protocols:\n"
                   "  - {name: Site, type: database, ports: [tcp/7000-7002, 99], tls-ports: [7443], carrier: true, signatures: [\n"
                   "      {over: udp, from: server, match: '^x', port: [udp/9], bytes: 4-8, length: '>= le16@2 - 3',\n"
                   "       packets: 2, first: true, seems: true, within: http, application: Part}]}\n"
                   "ports:\n"
                   "  - {type: backup, ports: tcp/12345}\n"
                   "applications:\n"
                   "  - {name: App, type: mail, hosts: [a.example, '*.b.example'], alpn: [zz]}\n",
                   "site.yaml", spec, problems);
    ASSERT_TRUE(problems.empty()) << problems.front().to_string();
    ASSERT_EQ(spec.protocols.size(), 1U);
    const auto& protocol = spec.protocols[0];
    EXPECT_EQ(protocol.type, AppType::database);
    EXPECT_EQ(protocol.ports.size(), 3U);
    EXPECT_EQ(protocol.tls_ports, std::vector<std::uint16_t>{7443});
    EXPECT_TRUE(protocol.carrier);
    const auto& signature = protocol.signatures.at(0);
    EXPECT_EQ(signature.over, PortSpace::udp);
    EXPECT_EQ(signature.from, dataplane::Sender::server);
    EXPECT_EQ(signature.least_bytes, 4);
    EXPECT_EQ(signature.most_bytes, 8);
    ASSERT_TRUE(signature.length.has_value());
    EXPECT_EQ(signature.length->holds, LengthFact::Holds::at_most);
    EXPECT_TRUE(signature.length->little_endian);
    EXPECT_EQ(signature.length->plus, -3);
    EXPECT_EQ(signature.packets, 2);
    EXPECT_TRUE(signature.first_only);
    EXPECT_TRUE(signature.seems);
    EXPECT_EQ(signature.within, dataplane::PayloadParser::http);
    EXPECT_EQ(signature.application, "Part");
    EXPECT_EQ(signature.where, "site.yaml:3");
    ASSERT_EQ(spec.port_types.size(), 1U);
    ASSERT_EQ(spec.applications.size(), 1U);
    EXPECT_EQ(spec.applications[0].hosts.size(), 2U);
    EXPECT_EQ(spec.applications[0].alpn, std::vector<std::string>{"zz"});
}

TEST(CatalogueFile, ALaterFileReplacesAndGoesFirst) {
    CatalogueSpec spec;
    std::vector<ConfigProblem> problems;
    read_catalogue("protocols: [{name: A, type: web}, {name: B, type: web}]", "one.yaml", spec, problems);
    read_catalogue("protocols: [{name: B, type: mail}, {name: C, type: vpn}]", "two.yaml", spec, problems);
    ASSERT_TRUE(problems.empty());
    ASSERT_EQ(spec.protocols.size(), 3U);
    EXPECT_EQ(spec.protocols[0].name, "C");
    EXPECT_EQ(spec.protocols[2].name, "B");
    EXPECT_EQ(spec.protocols[2].type, AppType::mail);
}

TEST(CatalogueFile, ProblemsHaveTheirLines) {
    using Lines = std::vector<std::string>;
    const auto starts = [](const Lines& lines, const std::string& text) {
        return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.starts_with(text); });
    };
    EXPECT_TRUE(starts(problems_of("protocols:\n  - {name: A, typ: web}\n"), "site.yaml:2: unknown key \"typ\""));
    EXPECT_TRUE(starts(problems_of("protocols:\n  - {name: A, type: wob}\n"), "site.yaml:2: unknown application type"));
    EXPECT_TRUE(starts(problems_of("protocols:\n  - type: web\n"), "site.yaml:2: name: missing"));
    EXPECT_TRUE(starts(problems_of("protocols:\n  - name: A\n    ports: [tcp/70000]\n"), "site.yaml:3: \"tcp/70000\" is no port"));
    EXPECT_TRUE(starts(problems_of("protocols:\n  - {name: A}\n  - {name: A}\n"), "site.yaml:3: the protocol \"A\" stands here twice"));
    EXPECT_TRUE(starts(problems_of("protocols:\n  - name: A\n    signatures:\n      - {match: x}\n"), "site.yaml:4: over: missing"));
    EXPECT_TRUE(starts(problems_of("protocols:\n  - name: A\n    signatures:\n      - {over: tcp}\n"), "site.yaml:4: match: missing"));
    EXPECT_TRUE(starts(problems_of("applications:\n  - {name: A, hosts: [Upper.example]}\n"), "site.yaml:2: \"Upper.example\" is no host pattern"));
    EXPECT_TRUE(starts(problems_of("applications:\n  - {name: 'a b'}\n"), "site.yaml:2: \"a b\" is no name"));
}

TEST(CatalogueFile, SmallTexts) {
    EXPECT_TRUE(parse_ports("53").value);
    EXPECT_EQ(parse_ports("53").value->size(), 2U);
    EXPECT_EQ(parse_ports("ether/0x0806").value->front().first, 0x0806);
    for (const char* bad : {"", "x", "tcp/", "tcp/5-4", "ip/256", "sctp/9", "-1"}) {
        EXPECT_FALSE(parse_ports(bad).value) << bad;
    }
    for (const char* bad : {"", "u16", "u16@", "u7@1", "x16@1", "u16@1 + ", "u16@1 + 99999999"}) {
        EXPECT_FALSE(parse_length_fact(bad).value) << bad;
    }
    for (const char* bad : {"", "0", "9-5", "70000"}) {
        EXPECT_FALSE(parse_byte_range(bad).value) << bad;
    }
    for (const char* bad : {"", ".", "*", "a b", "a.", ".a"}) {
        EXPECT_FALSE(parse_host_pattern(bad).value) << bad;
    }
}

} // namespace
} // namespace foregate::control
