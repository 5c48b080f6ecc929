// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: any bytes as the options of a TCP header, parsed and edited in place.
#include "dataplane/packet/tcp_options.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace foregate::dataplane;
    const std::size_t options = std::min<std::size_t>(size, 40);
    std::vector<std::uint8_t> tcp(20 + options); // exactly as long as the header: no byte to spare
    std::copy(data, data + options, tcp.begin() + 20);
    const auto header = static_cast<unsigned>(tcp.size());
    const TcpOptions before = parse_tcp_options(tcp.data(), header);
    if (before.sack_blocks > kMaxSackBlocks ||
        before.sack_offset + before.sack_blocks * 8U > header ||
        (before.timestamps && before.ts_offset + 8U > header)) {
        std::abort();
    }
    shift_sack_blocks(tcp.data(), before, 0x12345678);
    if (before.timestamps) {
        replace_tcp32(tcp.data(), before.ts_offset, before.ts_val + 7);
    }
    const TcpOptions after = parse_tcp_options(tcp.data(), header);
    if (after.malformed != before.malformed || after.sack_blocks != before.sack_blocks ||
        after.ts_val != before.ts_val + (before.timestamps ? 7U : 0U)) {
        std::abort();
    }
    return 0;
}
