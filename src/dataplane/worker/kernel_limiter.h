// SPDX-License-Identifier: BSD-3-Clause
// How much of one source's traffic may go to the kernel, so that one desktop's ARP flood costs nobody else.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace foregate::dataplane {

/// Token buckets by source MAC (1024 of them; two sources may share one).
class KernelLimiter {
public:
    explicit KernelLimiter(unsigned packets_per_second) noexcept
        : ns_per_packet_(1'000'000'000ULL / (packets_per_second == 0 ? 1 : packets_per_second)) {}

    /// `ethernet` points at the frame's first byte.
    [[nodiscard]] bool admit(const std::uint8_t* ethernet, std::uint64_t now_ns) noexcept {
        std::uint64_t mac = 0;
        std::memcpy(&mac, ethernet + 6, 6);
        auto& used_until = used_until_[(mac * 0x9e3779b97f4a7c15ULL) >> 54];
        constexpr std::uint64_t kBurstPackets = 256;
        if (used_until < now_ns) {
            used_until = now_ns;
        }
        if (used_until - now_ns > kBurstPackets * ns_per_packet_) {
            return false;
        }
        used_until += ns_per_packet_;
        return true;
    }

private:
    std::uint64_t ns_per_packet_;
    std::array<std::uint64_t, 1024> used_until_{};
};

} // namespace foregate::dataplane
