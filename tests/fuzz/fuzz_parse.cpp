// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: any bytes as one Ethernet frame. What parse() says of them must lie inside
// them.
#include "dataplane/packet/parse.h"

#include <cstdlib>
#include <vector>

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace foregate::dataplane;
    const std::vector<std::uint8_t> frame(data, data + size); // exactly as long as the input
    ParsedPacket p;
    if (parse(frame.data(), static_cast<std::uint32_t>(frame.size()), p) != ParseResult::ip) {
        return 0;
    }
    const std::size_t end = std::size_t{p.l3_offset} + p.ip_length;
    require(p.ip_version == 4 || p.ip_version == 6);
    require(p.l3_offset == 14 && end <= size);
    require(p.l4_offset >= p.l3_offset + (p.ip_version == 4 ? 20 : 40));
    require(p.payload_offset >= p.l4_offset &&
            std::size_t{p.payload_offset} + p.payload_length == end);
    require(p.src.is_v4() == (p.ip_version == 4) && p.dst.is_v4() == (p.ip_version == 4));
    require(!p.later_fragment || (p.fragment && p.src_port == 0 && p.dst_port == 0));
    if (!p.later_fragment) {
        const unsigned least = p.protocol == kProtoTcp ? 20 : p.protocol == kProtoUdp ? 8 : 0;
        require(p.payload_offset - p.l4_offset >= static_cast<int>(least));
    }
    ParsedPacket again;
    std::vector<std::uint8_t> padded = frame; // padding behind the packet changes nothing
    padded.push_back(0xee);
    if (padded.size() <= 0xffff) {
        require(parse(padded.data(), static_cast<std::uint32_t>(padded.size()), again) ==
                ParseResult::ip);
        require(again.payload_length == p.payload_length && again.src_port == p.src_port);
    }
    return 0;
}
