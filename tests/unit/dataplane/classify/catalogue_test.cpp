// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/catalogue.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string_view>

namespace foregate::dataplane {
namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

SignatureSpec signature(std::string pattern, PortSpace over = PortSpace::tcp, Sender from = Sender::either) {
    SignatureSpec spec;
    spec.pattern = std::move(pattern);
    spec.over = over;
    spec.from = from;
    spec.where = "site.yaml:7";
    return spec;
}

ProtocolSpec protocol(std::string name, AppType type, std::vector<SignatureSpec> signatures) {
    ProtocolSpec spec;
    spec.name = std::move(name);
    spec.type = type;
    spec.signatures = std::move(signatures);
    return spec;
}

ApplicationSpec application(std::string name, std::vector<std::string> hosts) {
    ApplicationSpec spec;
    spec.name = std::move(name);
    spec.type = AppType::conferencing;
    spec.hosts = std::move(hosts);
    return spec;
}

TEST(Catalogue, AnEmptyOneKnowsNothing) {
    const Catalogue catalogue;
    CatalogueScratch scratch(catalogue);
    SignatureHits hits;
    catalogue.scan(PortSpace::tcp, true, bytes_of("SSH-2.0-x"), scratch, hits);
    EXPECT_EQ(hits.count, 0);
    EXPECT_EQ(catalogue.name(0), "Unknown");
    EXPECT_EQ(catalogue.port_protocol(PortSpace::tcp, 22), Catalogue::kUnknown);
    EXPECT_EQ(catalogue.application_of_host("a.example", scratch), Catalogue::kUnknown);
}

TEST(Catalogue, SignaturesAreToldApartByTransportAndSender) {
    CatalogueSpec spec;
    spec.protocols.push_back(protocol("One", AppType::mail, {signature("^one", PortSpace::tcp, Sender::client)}));
    spec.protocols.push_back(protocol("Two", AppType::mail, {signature("^on", PortSpace::tcp, Sender::server)}));
    spec.protocols.push_back(protocol("Three", AppType::mail, {signature("^o", PortSpace::udp)}));
    const Catalogue catalogue = Catalogue::build(spec);
    CatalogueScratch scratch(catalogue);
    SignatureHits hits;
    catalogue.scan(PortSpace::tcp, true, bytes_of("one"), scratch, hits);
    ASSERT_EQ(hits.count, 1);
    EXPECT_EQ(catalogue.name(catalogue.signature(hits.ids[0]).protocol), "One");
    catalogue.scan(PortSpace::tcp, false, bytes_of("one"), scratch, hits);
    ASSERT_EQ(hits.count, 1);
    EXPECT_EQ(catalogue.name(catalogue.signature(hits.ids[0]).protocol), "Two");
    catalogue.scan(PortSpace::udp, false, bytes_of("one"), scratch, hits);
    ASSERT_EQ(hits.count, 1);
    EXPECT_EQ(catalogue.name(catalogue.signature(hits.ids[0]).protocol), "Three");
}

TEST(Catalogue, HitsStandInTheOrderOfTheCatalogue) {
    CatalogueSpec spec;
    spec.protocols.push_back(protocol("First", AppType::mail, {signature("^.b")}));
    spec.protocols.push_back(protocol("Second", AppType::mail, {signature("^a")}));
    const Catalogue catalogue = Catalogue::build(spec);
    CatalogueScratch scratch(catalogue);
    SignatureHits hits;
    catalogue.scan(PortSpace::tcp, true, bytes_of("ab"), scratch, hits);
    ASSERT_EQ(hits.count, 2);
    EXPECT_LT(hits.ids[0], hits.ids[1]);
    EXPECT_EQ(catalogue.name(catalogue.signature(hits.ids[0]).protocol), "First");
}

TEST(Catalogue, LengthFactsHoldOrNot) {
    SignatureFacts facts;
    facts.length = LengthFact{2, 2, false, 4, LengthFact::Holds::exact};
    EXPECT_TRUE(facts.hold(bytes_of(std::string_view("\0\0\0\x02zz", 6)), 1, 2));
    EXPECT_FALSE(facts.hold(bytes_of(std::string_view("\0\0\0\x03zz", 6)), 1, 2));
    EXPECT_FALSE(facts.hold(bytes_of(std::string_view("\0\0\0", 3)), 1, 2));
    facts.length->holds = LengthFact::Holds::at_most;
    EXPECT_TRUE(facts.hold(bytes_of(std::string_view("\0\0\0\x02zzzz", 8)), 1, 2));
    facts.length->holds = LengthFact::Holds::at_least;
    EXPECT_TRUE(facts.hold(bytes_of(std::string_view("\0\0\x01\x02zz", 6)), 1, 2));
    facts.length = LengthFact{0, 4, true, 0, LengthFact::Holds::exact};
    EXPECT_TRUE(facts.hold(bytes_of(std::string_view("\x05\0\0\0z", 5)), 1, 2));
}

TEST(Catalogue, PortsOfASignatureAreEitherEnds) {
    SignatureFacts facts;
    facts.ports = {{PortSpace::tcp, 25, 30}};
    EXPECT_TRUE(facts.hold(bytes_of("x"), 40000, 25));
    EXPECT_TRUE(facts.hold(bytes_of("x"), 30, 40000));
    EXPECT_FALSE(facts.hold(bytes_of("x"), 31, 40000));
}

TEST(Catalogue, TheLongestHostPatternWins) {
    CatalogueSpec spec;
    spec.applications = {application("Site", {"example.com"}), application("Calls", {"calls.example.com"}),
                         application("Edge", {"edge*.example.com"})};
    const Catalogue catalogue = Catalogue::build(spec);
    CatalogueScratch scratch(catalogue);
    const auto name = [&](std::string_view host) {
        return catalogue.name(catalogue.application_of_host(host, scratch));
    };
    EXPECT_EQ(name("example.com"), "Site");
    EXPECT_EQ(name("www.example.com"), "Site");
    EXPECT_EQ(name("a.calls.example.com"), "Calls");
    EXPECT_EQ(name("edge7.example.com"), "Edge");
    EXPECT_EQ(name("notexample.com"), "Unknown");
    EXPECT_EQ(name("example.com.evil.test"), "Unknown");
    EXPECT_EQ(name(""), "Unknown");
}

TEST(Catalogue, NamesKeepTheirNumbersOverAReload) {
    CatalogueSpec spec;
    spec.protocols = {protocol("A", AppType::mail, {}), protocol("B", AppType::web, {})};
    const Catalogue before = Catalogue::build(spec);
    CatalogueSpec changed;
    changed.protocols = {protocol("C", AppType::vpn, {}), protocol("B", AppType::gaming, {})};
    const Catalogue after = Catalogue::build(changed, &before);
    EXPECT_EQ(after.number("B"), before.number("B"));
    EXPECT_EQ(after.name(before.number("A")), "A");
    EXPECT_EQ(after.type(after.number("B")), AppType::gaming);
    EXPECT_NE(after.number("C"), before.number("A"));
    EXPECT_NE(after.edition(), before.edition());
}

TEST(Catalogue, TheFirstProtocolToNameAPortHasIt) {
    CatalogueSpec spec;
    spec.protocols = {protocol("A", AppType::mail, {}), protocol("B", AppType::web, {})};
    spec.protocols[0].ports = {{PortSpace::tcp, 100, 110}};
    spec.protocols[1].ports = {{PortSpace::tcp, 105, 120}};
    spec.port_types = {{AppType::gaming, {{PortSpace::tcp, 119, 130}}}};
    const Catalogue catalogue = Catalogue::build(spec);
    EXPECT_EQ(catalogue.name(catalogue.port_protocol(PortSpace::tcp, 107)), "A");
    EXPECT_EQ(catalogue.name(catalogue.port_protocol(PortSpace::tcp, 115)), "B");
    EXPECT_EQ(catalogue.port_type(PortSpace::tcp, 107), AppType::mail);
    EXPECT_EQ(catalogue.port_type(PortSpace::tcp, 120), AppType::web);
    EXPECT_EQ(catalogue.port_type(PortSpace::tcp, 125), AppType::gaming);
    EXPECT_EQ(catalogue.port_type(std::uint8_t{6}, 131), AppType::other);
}

TEST(Catalogue, APatternThatDoesNotCompileIsNamedWithItsLine) {
    CatalogueSpec spec;
    spec.protocols = {protocol("A", AppType::mail, {signature("^(unclosed")})};
    try {
        (void)Catalogue::build(spec);
        FAIL() << "it compiled";
    } catch (const std::invalid_argument& error) {
        EXPECT_TRUE(std::string_view(error.what()).starts_with("site.yaml:7: ")) << error.what();
    }
}

TEST(Catalogue, ThePlainOneKnowsNamesAndTypesOfPorts) {
    const Catalogue catalogue = Catalogue::build(plain_catalogue_spec());
    EXPECT_NE(catalogue.parser_protocol(PayloadParser::tls), Catalogue::kUnknown);
    EXPECT_EQ(catalogue.port_type(std::uint8_t{6}, 5432), AppType::database);
    EXPECT_EQ(catalogue.port_type(std::uint8_t{17}, 53), AppType::name_service);
    EXPECT_EQ(catalogue.port_type(std::uint8_t{50}, 0), AppType::vpn);
    EXPECT_EQ(catalogue.signatures(), 0U);
}

} // namespace
} // namespace foregate::dataplane
