// SPDX-License-Identifier: BSD-3-Clause
// How often one desktop may be told of to the control core, so that its storm of denied connections does not fill the
// mailbox for all.
#pragma once

#include "dataplane/packet/ip_address.h"

#include <array>
#include <cstdint>

namespace foregate::dataplane {

/// Sixteen reports at once, then four a second; 1024 rows by hash of the desktop's address (two may share one).
class ReportPace {
public:
    [[nodiscard]] bool admit(const IpAddress& desktop, std::uint64_t seed, std::uint64_t now_ns) noexcept {
        auto& used_until = used_until_[hash_address(desktop, seed) % used_until_.size()];
        used_until = used_until < now_ns ? now_ns : used_until;
        if (used_until - now_ns >= kAtOnce * kNsEach) {
            return false;
        }
        used_until += kNsEach;
        return true;
    }

private:
    static constexpr std::uint64_t kNsEach = 250'000'000;
    static constexpr std::uint64_t kAtOnce = 16;
    std::array<std::uint64_t, 1024> used_until_{};
};

} // namespace foregate::dataplane
