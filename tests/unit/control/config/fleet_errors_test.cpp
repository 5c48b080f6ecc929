// SPDX-License-Identifier: BSD-3-Clause
// What is wrong between values: ports, classes, desktops, held destinations.
#include "config_files.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace foregate::control {
namespace {

using testing::kTwoPorts;
using testing::problems;
using testing::TemporaryFolder;
using Lines = std::vector<std::string>;

const std::string kDesktopPort =
    "ports:\n  - {name: d, role: desktop, device: net_ring0, addresses: [10.1.0.1/16]}\n";
const std::string kPorts =
    kDesktopPort + "  - {name: u, role: upstream, device: net_ring1, addresses: [10.2.0.1/16]}\n";

TEST(ConfigPorts, AreNeeded) {
    EXPECT_EQ(problems("log: {level: info}\n"),
              (Lines{"f.yaml:1: ports: missing, expected a list of: keys with values",
                     "f.yaml:1: ports: no port with the role desktop, expected at least one",
                     "f.yaml:1: ports: no port with the role upstream, expected at least one"}));
    EXPECT_EQ(problems("\n" + kDesktopPort),
              (Lines{"f.yaml:2: ports: no port with the role upstream, expected at least one"}));
}

TEST(ConfigPorts, AMisspeltRoleIsTheOnlyProblem) {
    EXPECT_EQ(
        problems(kDesktopPort + "  - {name: u, role: upsteam, device: net_ring1}\n"),
        (Lines{"f.yaml:3: ports.role: unknown value \"upsteam\", did you mean \"upstream\"?"}));
}

TEST(ConfigPorts, PrimariesComeAsAPair) {
    const std::string desktop = "  - {name: pd, role: primary-desktop, device: net_ring2}\n";
    const std::string client = "  - {name: pc, role: primary-client, device: net_ring3}\n";
    EXPECT_EQ(problems(kPorts + desktop + client), Lines{});
    EXPECT_EQ(problems(kPorts + desktop),
              (Lines{"f.yaml:4: ports.role: a primary port without its partner, expected also "
                     "a port with the role primary-client"}));
    EXPECT_EQ(problems(kPorts + client),
              (Lines{"f.yaml:4: ports.role: a primary port without its partner, expected also a "
                     "port with the role primary-desktop"}));
    EXPECT_EQ(problems(kPorts + desktop + client +
                       "  - {name: p2, role: primary-client, device: net_ring4}\n"),
              (Lines{"f.yaml:6: ports.role: a second port of this role, expected one "
                     "primary-desktop and one "
                     "primary-client port"}));
}

TEST(ConfigPorts, PrimariesAreNeitherRoutedNorShaped) {
    const std::string why =
        "set on a primary port, which passes frames through unchanged, expected it on desktop and "
        "upstream ports only";
    EXPECT_EQ(
        problems(
            kPorts +
            "  - {name: pd, role: primary-desktop, device: net_ring2}\n"
            "  - name: pc\n    role: primary-client\n    device: net_ring3\n    rate: 1Gbit/s\n"
            "    addresses: [10.9.0.1/24]\n    twin: x\n"),
        (Lines{"f.yaml:8: ports.rate: " + why, "f.yaml:9: ports.addresses: " + why,
               "f.yaml:10: ports.twin: " + why}));
}

TEST(ConfigPorts, VlanMssAndMacs) {
    const auto port = [](const std::string& line) {
        return kPorts + "  - name: x\n    role: upstream\n    device: net_ring9\n    addresses: [10.77.0.1/24]\n    " + line +
               "\n";
    };
    for (const char* good : {"vlan: 10", "vlan: [10]", "vlan: [100, 10]", "vlan: [10, 10]", "vlan: []", "mss-clamp: on",
                             "mss-clamp: off", "mss-clamp: 1360", "accept-macs: [00:00:5e:00:01:0A]",
                             "source-check: address"}) {
        EXPECT_EQ(problems(port(good)), Lines{}) << good;
    }
    for (const char* bad : {"vlan: 0", "vlan: 4095", "vlan: [1, 2, 3]", "vlan: [a]", "vlan: {a: 1}", "mss-clamp: 535",
                            "mss-clamp: yes", "accept-macs: [00:00:5e:00:01]", "accept-macs: [01:00:5e:00:01:0a]",
                            "accept-macs: [00:00:5e:00:01:0g]", "accept-macs: [00-00-5e-00-01-0a]",
                            "accept-macs: 00:00:5e:00:01:0a", "source-check: no"}) {
        const Lines found = problems(port(bad));
        ASSERT_EQ(found.size(), 1U) << bad;
        EXPECT_TRUE(found[0].starts_with("f.yaml:8: ports.")) << found[0];
    }
    std::string many = "accept-macs: [";
    for (int i = 0; i < 9; ++i) {
        many += "00:00:5e:00:01:0" + std::to_string(i) + (i < 8 ? ", " : "]");
    }
    EXPECT_EQ(problems(port(many)), (Lines{"f.yaml:8: ports.accept-macs: 9 addresses, expected at most 8"}));
    EXPECT_EQ(problems(kPorts + "  - {name: pd, role: primary-desktop, device: net_ring2}\n"
                                "  - name: pc\n    role: primary-client\n    device: net_ring3\n    vlan: 10\n")
                  .size(),
              1U)
        << "a primary port passes tags through";
}

TEST(ConfigPorts, NamesDevicesAndTwinsAreUsedOnce) {
    EXPECT_EQ(
        problems(kDesktopPort +
                 "  - name: d\n    role: upstream\n    device: net_ring0,a=b\n    twin: fg-d\n"),
        (Lines{"f.yaml:3: ports.name: port name \"d\" is already used in line 2, expected another",
               "f.yaml:5: ports.device: device \"net_ring0\" is already used in line 2, expected "
               "another",
               "f.yaml:6: ports.twin: twin name \"fg-d\" is already used in line 2, expected "
               "another"}));
}

TEST(ConfigPorts, TwinNamesFitTheKernel) {
    EXPECT_EQ(
        problems(kPorts + "  - name: abcdefghijklm\n    role: upstream\n    device: net_ring2\n"),
        (Lines{"f.yaml:4: ports.twin: the default name fg-abcdefghijklm is longer than 15 "
               "characters, expected "
               "`twin:` with a shorter one"}));
    EXPECT_EQ(
        problems(kPorts +
                 "  - {name: x, role: upstream, device: net_ring2, twin: abcdefghijklmnop}\n"),
        (Lines{"f.yaml:4: ports.twin: \"abcdefghijklmnop\" is no valid name, expected 1..15 of: "
               "letters, digits, . _ "
               "-, the first a letter or digit"}));
}

TEST(ConfigPorts, Devices) {
    EXPECT_EQ(problems(kPorts + "  - {name: x, role: upstream, device: eth0}\n"),
              (Lines{"f.yaml:4: ports.device: \"eth0\" is no device, expected a PCI address such "
                     "as 0000:3b:00.0 or a DPDK "
                     "vdev such as net_af_xdp0,iface=eth1"}));
    EXPECT_EQ(problems(kPorts + "  - {name: x, role: upstream, device: 3B:00.0}\n"
                                "  - {name: y, role: upstream, device: 0000:3b:00.0}\n"),
              (Lines{"f.yaml:5: ports.device: device \"0000:3b:00.0\" is already used in line 4, "
                     "expected another"}));
}

TEST(ConfigPorts, Addresses) {
    const std::string expected =
        ", expected an address with its prefix length such as 10.0.0.1/24 or fd00::1/64";
    EXPECT_EQ(
        problems(kPorts +
                 "  - name: x\n    role: upstream\n    device: net_ring2\n    addresses:\n"
                 "      - 10.3.0.1\n      - 10.3.0.0/24\n      - 10.3.0.1/33\n      - 0.0.0.0/0\n"
                 "      - 10.2.7.1/24\n"),
        (Lines{"f.yaml:8: ports.addresses: \"10.3.0.1\" has no prefix length" + expected,
               "f.yaml:9: ports.addresses: \"10.3.0.0/24\" is the network itself, expected the "
               "port's own address in it",
               "f.yaml:10: ports.addresses: \"10.3.0.1/33\" is no interface address" + expected,
               "f.yaml:11: ports.addresses: \"0.0.0.0/0\" has a prefix length of 0" + expected,
               "f.yaml:12: ports.addresses: 10.2.7.0/24 overlaps 10.2.0.0/16 in line 3, expected "
               "the networks of "
               "different ports to be disjoint"}));
}

TEST(ConfigPorts, Routes) {
    const std::string port =
        "  - name: x\n    role: upstream\n    device: net_ring2\n    addresses: [10.3.0.1/24]\n"
        "    routes:\n";
    EXPECT_EQ(
        problems(
            kPorts + port +
            "      - {to: 0.0.0.0/0, via: 10.3.0.254}\n      - {to: \"::/0\", via: \"fe80::1\"}\n"),
        Lines{});
    EXPECT_EQ(
        problems(kPorts + port +
                 "      - to: 10.9.0.0/16\n        via: 10.4.0.1\n      - {to: \"::/0\", via: "
                 "10.3.0.2}\n"
                 "      - {to: 10.9.1.0/24, via: 10.3.0.1}\n      - {to: 10.9.1.1/24, via: "
                 "10.3.0.2}\n      - {to: 10.8.0.0/16}\n"),
        (Lines{
            "f.yaml:10: ports.routes.via: 10.4.0.1 is in no network of port x, expected an address "
            "one of its "
            "addresses reaches",
            "f.yaml:11: ports.routes.via: 10.3.0.2 is of another family than ::/0, expected both "
            "IPv4 or both IPv6",
            "f.yaml:12: ports.routes.via: 10.3.0.1 is this port's own address, expected the next "
            "router's",
            "f.yaml:13: ports.routes.to: \"10.9.1.1/24\" has host bits set, expected 10.9.1.0/24",
            "f.yaml:14: ports.routes.via: missing, expected an IP address"}));
}

TEST(ConfigClasses, PrefixesAreDisjointAndClean) {
    EXPECT_EQ(
        problems(kPorts +
                 "classes:\n  - name: a\n    prefixes:\n      - 10.1.2.0/24\n      - fd00::/64\n"
                 "  - name: b\n    prefixes:\n      - 10.1.0.0/16\n      - fd00::7/128\n      - "
                 "10.3.0.1/24\n"
                 "  - name: c\n    prefixes: [10.1.2.0/24]\n"),
        (Lines{
            "f.yaml:11: classes.prefixes: 10.1.0.0/16 overlaps 10.1.2.0/24 in line 7, expected the "
            "prefixes of "
            "classes to be disjoint",
            "f.yaml:12: classes.prefixes: fd00::7/128 overlaps fd00::/64 in line 8, expected the "
            "prefixes of classes "
            "to be disjoint",
            "f.yaml:13: classes.prefixes: \"10.3.0.1/24\" has host bits set, expected 10.3.0.0/24",
            "f.yaml:15: classes.prefixes: 10.1.2.0/24 overlaps 10.1.2.0/24 in line 7, expected the "
            "prefixes of "
            "classes to be disjoint"}));
}

TEST(ConfigClasses, NamesAndDeviation) {
    EXPECT_EQ(
        problems(kPorts + "classes:\n  - {name: a, deviation: stop}\n  - {name: a, deviation: "
                          "{tolerance: 0.5}}\n"),
        (Lines{
            "f.yaml:5: classes.deviation: unknown value \"stop\", expected one of off, note, block",
            "f.yaml:6: classes.deviation.tolerance: \"0.5\" is out of range, expected 1..1000",
            "f.yaml:6: classes.name: class name \"a\" is already used in line 5, expected "
            "another"}));
}

TEST(ConfigClasses, FloorsCanBeKept) {
    const std::string ports = "ports:\n  - {name: d, role: desktop, device: net_ring0, rate: "
                              "10Mbit/s, addresses: [10.1.0.1/16]}\n"
                              "  - {name: u, role: upstream, device: net_ring1, rate: 20Mbit/s, "
                              "addresses: [10.2.0.1/16]}\n";
    EXPECT_EQ(problems(ports + "classes:\n  - name: a\n    floor: 12Mbit/s\n  - name: b\n    "
                               "ceiling: 1Mbit/s\n    floor: 2Mbit/s\n"),
              (Lines{"f.yaml:6: classes.floor: 12Mbit/s is more than port d's rate 10Mbit/s in "
                     "line 2, expected a floor that "
                     "every port can keep",
                     "f.yaml:9: classes.floor: 2Mbit/s is more than the ceiling 1Mbit/s in line 8, "
                     "expected a floor below "
                     "the ceiling"}));
    const auto config = parse_config(ports + "classes: [{name: a, floor: 6Mbit/s}]\ndesktops:\n"
                                             "  - {name: x, class: a, addresses: [10.1.0.2]}\n"
                                             "  - {name: y, class: a, addresses: [10.1.0.3]}\n",
                                     "f.yaml");
    EXPECT_EQ(
        config.warnings,
        (Lines{"f.yaml:5: warning: desktops: the floors of the listed desktops together exceed the "
               "10Mbit/s of the desktop ports, expected a sum within it; with all of them active, "
               "floors "
               "shrink in proportion"}));
}

TEST(ConfigClasses, NoneIsAWarning) {
    EXPECT_EQ(parse_config(kPorts, "f.yaml").warnings,
              (Lines{"f.yaml:1: warning: classes: no class, so every desktop is unknown and "
                     "blocked, expected at least one"}));
}

TEST(ConfigDesktops, BelongWhereTheirAddressesAre) {
    EXPECT_EQ(problems(kPorts + "classes:\n  - {name: office, prefixes: [10.1.1.0/24]}\n  - {name: "
                                "lab, prefixes: [10.1.2.0/24]}\n"
                                "desktops:\n  - {name: a, class: office, addresses: [10.1.1.7]}\n"
                                "  - {name: a, class: ofice, addresses: [10.1.1.8]}\n"
                                "  - {name: b, class: office, addresses: [10.1.2.1]}\n"
                                "  - {name: c, class: lab, addresses: [10.1.9.1, 10.1.1.7]}\n"
                                "  - {name: e, class: office, addresses: [10.1.0.1]}\n"),
              (Lines{"f.yaml:9: desktops.name: desktop name \"a\" is already used in line 8, "
                     "expected another",
                     "f.yaml:9: desktops.class: unknown class \"ofice\", did you mean \"office\"?",
                     "f.yaml:10: desktops.addresses: 10.1.2.1 lies in 10.1.2.0/24 of class lab "
                     "(line 6), expected an address "
                     "outside of it or class: lab",
                     "f.yaml:11: desktops.addresses: address \"10.1.1.7\" is already used in line "
                     "8, expected another",
                     "f.yaml:11: desktops.addresses: 10.1.1.7 lies in 10.1.1.0/24 of class office "
                     "(line 5), expected an "
                     "address outside of it or class: office",
                     "f.yaml:12: desktops.addresses: address \"10.1.0.1\" is already used in line "
                     "2, expected another"}));
}

TEST(ConfigHold, DestinationsDoNotContradict) {
    EXPECT_EQ(
        problems(kTwoPorts + "plan:\n  hold:\n    allow: [a.b:1, c.d:2]\n    deny:\n      - C.D:2\n"
                             "    max-age-of:\n      a.b:1: 10s\n      A.b:1: 20s\n"),
        (Lines{
            "f.yaml:9: plan.hold.deny: c.d:2 is allowed in line 7, expected it in allow or in deny",
            "f.yaml:12: plan.hold.max-age-of: destination \"a.b:1\" is already used in line 11, "
            "expected another"}));
}

TEST(ConfigPolicies, FeedNamesAndListeningPorts) {
    const TemporaryFolder folder;
    folder.write("a.txt", "bad.example\n");
    const auto file = folder.path() / "f.yaml";
    EXPECT_EQ(
        problems(
            kTwoPorts +
                "threats:\n  feeds:\n    - {name: a, path: a.txt}\n    - {name: a, path: a.txt}\n"
                "metrics: {port: 2323}\n",
            file),
        (Lines{file.string() + ":8: threats.feeds.name: feed name \"a\" is already used in line 7, "
                               "expected another",
               file.string() +
                   ":9: metrics.port: 2323 is also the console's telnet-port, expected another"}));
}

TEST(ConfigPolicies, AnOpenTokenIsAWarning) {
    const TemporaryFolder folder;
    const auto token = folder.write("token", "secret\n");
    const auto file = folder.path() / "f.yaml";
    ::chmod(token.c_str(), 0600);
    EXPECT_EQ(parse_config(kTwoPorts + "console: {token-file: token}\n", file).warnings, Lines{});
    ::chmod(token.c_str(), 0644);
    EXPECT_EQ(parse_config(kTwoPorts + "console: {token-file: token}\n", file).warnings,
              (Lines{file.string() + ":5: warning: console.token-file: " + token.string() +
                     " can be read by everybody, expected mode 0600"}));
}

} // namespace
} // namespace foregate::control
