// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: any bytes as one Ethernet frame. What parse() says of them must lie inside
// them.
#include "dataplane/packet/address_rules.h"
#include "dataplane/packet/fragment_info.h"
#include "dataplane/packet/mss_clamp.h"
#include "dataplane/packet/parse.h"
#include "dataplane/packet/vlan_tags.h"

#include <cstdlib>
#include <vector>

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// Any bytes as a TCP header with options.
bool clamp_mss_of(std::vector<std::uint8_t> bytes) {
    return foregate::dataplane::clamp_mss(bytes.data(), static_cast<unsigned>(bytes.size() < 60 ? bytes.size() : 60), 536);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace foregate::dataplane;
    const std::vector<std::uint8_t> frame(data, data + size); // exactly as long as the input
    const auto length = static_cast<std::uint32_t>(size);
    // Checksums known to be good, or hardly any input would get behind the IPv4 header.
    ParsedPacket p;
    const ParseResult result = parse(frame.data(), length, p, HeaderChecksum::known_good);
    ParsedPacket verified;
    const ParseResult strict = parse(frame.data(), length, verified);
    require(strict == result || strict == ParseResult::bad_checksum);
    require(p.vlan_count <= kMostVlanTags + 1 && p.vlan_count == verified.vlan_count);
    (void)clamp_mss_of(frame);
    if (result != ParseResult::ip) {
        return 0;
    }
    const std::size_t end = std::size_t{p.l3_offset} + p.ip_length;
    require(p.ip_version == 4 || p.ip_version == 6);
    require(p.vlan_count <= kMostVlanTags);
    require(p.l3_offset == 14U + p.vlan_count * kVlanTagBytes && end <= size);
    require(p.l4_offset >= p.l3_offset + (p.ip_version == 4 ? 20 : 40));
    require(p.payload_offset >= p.l4_offset &&
            std::size_t{p.payload_offset} + p.payload_length == end);
    require(p.src.is_v4() == (p.ip_version == 4) && p.dst.is_v4() == (p.ip_version == 4));
    require(!p.later_fragment || (p.fragment && p.src_port == 0 && p.dst_port == 0));
    if (!p.later_fragment) {
        const unsigned least = p.protocol == kProtoTcp ? 20 : p.protocol == kProtoUdp ? 8 : 0;
        require(p.payload_offset - p.l4_offset >= static_cast<int>(least));
    }
    (void)judge_addresses(p);
    if (p.fragment) {
        const FragmentInfo info = fragment_info(frame.data(), p);
        require(info.offset % 8 == 0 && info.length != 0 && info.offset + info.length <= 0xffff);
        require(info.last || info.length % 8 == 0);
        require((info.offset != 0) == p.later_fragment);
    }
    std::vector<std::uint8_t> padded = frame; // padding behind the packet changes nothing
    padded.push_back(0xee);
    if (padded.size() <= 0xffff) {
        ParsedPacket again;
        require(parse(padded.data(), static_cast<std::uint32_t>(padded.size()), again, HeaderChecksum::known_good) ==
                ParseResult::ip);
        require(again.payload_length == p.payload_length && again.src_port == p.src_port);
    }
    if (p.vlan_count != 0) { // without its tags it is the same packet
        const unsigned bytes = p.vlan_count * kVlanTagBytes;
        std::vector<std::uint8_t> bare = frame;
        ParsedPacket moved = p;
        remove_vlan_tags(bare.data(), moved);
        ParsedPacket again;
        require(parse(bare.data() + bytes, length - bytes, again, HeaderChecksum::known_good) == ParseResult::ip);
        require(again.l4_offset == moved.l4_offset && again.payload_offset == moved.payload_offset &&
                again.src_port == moved.src_port && again.protocol == moved.protocol && again.src == moved.src);
    }
    return 0;
}
