// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/local_name.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace foregate::dataplane {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// Header with one question, or one answer, of this raw name and type.
Bytes message(bool response, const Bytes& name, std::uint8_t type) {
    Bytes bytes(12, 0);
    bytes[2] = response ? 0x84 : 0;
    bytes[response ? 7 : 5] = 1;
    bytes.insert(bytes.end(), name.begin(), name.end());
    bytes.insert(bytes.end(), {0, type, 0, 1});
    return bytes;
}

Bytes netbios(const std::string& name, std::uint8_t suffix) {
    std::string padded = name;
    padded.resize(15, ' ');
    padded.push_back(static_cast<char>(suffix));
    Bytes bytes{32};
    for (const char c : padded) {
        bytes.push_back(static_cast<std::uint8_t>('A' + (static_cast<std::uint8_t>(c) >> 4)));
        bytes.push_back(static_cast<std::uint8_t>('A' + (static_cast<std::uint8_t>(c) & 0xf)));
    }
    bytes.push_back(0);
    return bytes;
}

const Bytes kLocal{7, 'P', 'r', 'i', 'n', 't', 'e', 'r', 5, 'l', 'o', 'c', 'a', 'l', 0};

TEST(LocalName, MulticastDns) {
    LocalName out;
    ASSERT_TRUE(parse_multicast_dns(message(false, kLocal, 255), out));
    EXPECT_EQ(out.name.view(), "printer.local");
    EXPECT_EQ(out.type, 255);
    EXPECT_FALSE(out.response);
    ASSERT_TRUE(parse_multicast_dns(message(true, kLocal, 1), out)); // no question at all
    EXPECT_EQ(out.name.view(), "printer.local");
    EXPECT_TRUE(out.response);
}

TEST(LocalName, NetbiosNames) {
    LocalName out;
    ASSERT_TRUE(parse_netbios_name(message(false, netbios("FILESRV", 0x20), 0x20), out));
    EXPECT_EQ(out.name.view(), "filesrv");
    EXPECT_EQ(out.netbios_suffix, 0x20);
    EXPECT_FALSE(out.response);
    ASSERT_TRUE(parse_netbios_name(message(true, netbios("WORK GROUP", 0), 0x20), out));
    EXPECT_EQ(out.name.view(), "work?group");
    Bytes star(16, 0);
    star[0] = '*';
    ASSERT_TRUE(parse_netbios_name(
        message(false, netbios(std::string(star.begin(), star.end() - 1), 0), 0x21), out));
    EXPECT_EQ(out.name.view(), "?");
}

TEST(LocalName, OtherBytes) {
    LocalName out;
    EXPECT_FALSE(parse_netbios_name(message(false, kLocal, 0x20), out));
    EXPECT_FALSE(parse_netbios_name(message(false, netbios("A", 0), 1), out));
    Bytes letters = netbios("A", 0);
    letters[5] = 'Q';
    EXPECT_FALSE(parse_netbios_name(message(false, letters, 0x20), out));
    Bytes none = message(false, kLocal, 1);
    none[5] = 0;
    EXPECT_FALSE(parse_multicast_dns(none, out));
    const Bytes whole = message(false, kLocal, 1);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_EQ(parse_multicast_dns(std::span(whole).first(size), out), size >= whole.size())
            << size;
        EXPECT_TRUE(out.name.empty()) << size;
    }
}

} // namespace
} // namespace foregate::dataplane
