// SPDX-License-Identifier: BSD-3-Clause
// What one worker counts in one bucket of time: traffic by usage class, application type and destination.
// Two tables: the worker writes one while the control core reads the other; no cell names a desktop.
#pragma once

#include "dataplane/app_type.h"
#include "dataplane/large_pages.h"
#include "dataplane/packet/ip_address.h"

#include <array>
#include <cstdint>
#include <span>

namespace foregate::dataplane {

/// How many desktops took part, without knowing which: linear counting over 1024 bits, salted anew each bucket.
/// The number of bits set never exceeds the number of desktops that were added.
struct DesktopSketch {
    std::array<std::uint64_t, 16> bits{};

    void add(std::uint64_t salted_hash) noexcept {
        bits[(salted_hash >> 6) & 15] |= 1ULL << (salted_hash & 63);
    }
};

struct UsageCellKey {
    IpAddress server{};
    std::uint16_t port = 0;
    std::uint16_t usage_class = 0;
    std::uint8_t protocol = 0;
    AppType app = AppType::other;
    bool operator==(const UsageCellKey&) const noexcept = default;
};

/// What a packet changes lies in the first line.
struct alignas(64) UsageCellData {
    std::uint64_t bytes_up = 0, bytes_down = 0;
    std::uint64_t packets_up = 0, packets_down = 0;
    std::uint64_t connections = 0, failed = 0;
    bool in_use = false;
    UsageCellKey key{};
    DesktopSketch desktops{};
};

/// One table of cells; open addressing, cleared as a whole. Cell 0 of every (class, application type) overflow is
/// the caller's matter: find_or_add() returns kFull and the caller counts it under an all-zero server.
class UsageTable {
public:
    static constexpr std::uint32_t kFull = 0xffffffff;

    /// `capacity` cells, rounded up to a power of two; filled to three quarters at most.
    UsageTable(std::uint32_t capacity, std::uint64_t seed);

    [[nodiscard]] std::uint32_t find_or_add(const UsageCellKey& key) noexcept;
    [[nodiscard]] UsageCellData& cell(std::uint32_t index) noexcept { return cells_[index]; }
    /// Every cell, in use or not; for the reader once the worker has turned to the other table.
    [[nodiscard]] std::span<const UsageCellData> cells() const noexcept {
        return {cells_.data(), capacity_};
    }
    void clear() noexcept;
    [[nodiscard]] std::uint32_t size() const noexcept { return used_; }

private:
    std::uint64_t seed_;
    std::uint32_t used_ = 0;
    std::uint32_t capacity_;
    ZeroedTable<UsageCellData> cells_;
};

} // namespace foregate::dataplane
