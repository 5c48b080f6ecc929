// SPDX-License-Identifier: BSD-3-Clause
// A stream gathered from segments in any order: the first copy of a byte stays, and what is
// contiguous never shrinks. Input: segments of { offset 16 bit, length 8 bit, bytes }.
#include "dataplane/classify/stream_gather.h"

#include <algorithm>
#include <cstdlib>
#include <span>
#include <vector>

using namespace foregate::dataplane;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static StreamGather gather;
    constexpr std::uint32_t kFirst = 0xfffff800; // wraps within the gathered bytes
    gather.begin(kFirst);
    std::vector<std::uint8_t> before;
    std::span<const std::uint8_t> rest(data, size);
    while (rest.size() >= 3) {
        const auto offset = static_cast<std::int16_t>(rest[0] << 8 | rest[1]);
        const std::size_t length = std::min<std::size_t>(rest[2], rest.size() - 3);
        const auto segment = rest.subspan(3, length);
        rest = rest.subspan(3 + length);
        const bool grew = gather.add(kFirst + static_cast<std::uint32_t>(offset), segment);
        const auto now = gather.contiguous();
        require(grew == (now.size() > before.size()));
        require(now.size() >= before.size() && now.size() <= StreamGather::kGatherBytes);
        require(std::equal(before.begin(), before.end(), now.begin()));
        before.assign(now.begin(), now.end());
    }
    return 0;
}
