// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/vlan_tags.h"
#include "packet/packet_builder.h"

#include <gtest/gtest.h>

namespace foregate::dataplane {
namespace {

using packet_test::Bytes;
using packet_test::Mac;
using packet_test::packet;

constexpr Mac kTo{2, 0, 0, 0, 0, 1};
constexpr Mac kFrom{2, 0, 0, 0, 0, 2};

packet_test::PacketBuilder udp() {
    return packet().eth(kTo, kFrom).ipv4("10.0.0.1", "10.0.0.2").udp(5, 6).payload("abc");
}

TEST(VlanTagsTest, RemovedAndWrittenAgain) {
    const Bytes plain = udp().build();
    Bytes tagged = udp().vlan(100, 0x88a8).vlan(10).build();
    ParsedPacket p;
    ASSERT_EQ(parse(tagged.data(), static_cast<std::uint32_t>(tagged.size()), p), ParseResult::ip);
    remove_vlan_tags(tagged.data(), p);
    EXPECT_EQ(Bytes(tagged.begin() + 8, tagged.end()), plain);
    EXPECT_EQ(p.vlan_count, 0);
    EXPECT_EQ(p.l3_offset, 14);
    EXPECT_EQ(p.l4_offset, 34);
    EXPECT_EQ(p.payload_offset, 42);
    const std::uint16_t two[]{100, 10};
    write_vlan_tags(tagged.data(), two);
    EXPECT_EQ(tagged, udp().vlan(100, 0x88a8).vlan(10).build());

    Bytes one(4, 0xee);
    packet_test::put(one, plain);
    const std::uint16_t ten[]{10};
    write_vlan_tags(one.data(), ten);
    EXPECT_EQ(one, udp().vlan(10).build());
}

TEST(VlanTagsTest, OffsetsOfWhatIsNotIpStayWhereTheyAre) {
    Bytes arp = packet().eth(kTo, kFrom).vlan(10).ethertype(0x0806).payload_of_size(46).build();
    ParsedPacket p;
    ASSERT_EQ(parse(arp.data(), static_cast<std::uint32_t>(arp.size()), p), ParseResult::not_ip);
    remove_vlan_tags(arp.data(), p);
    EXPECT_EQ(p.l4_offset, 0);
    EXPECT_EQ(load_be16(arp.data() + 4 + 12), 0x0806);
}

} // namespace
} // namespace foregate::dataplane
