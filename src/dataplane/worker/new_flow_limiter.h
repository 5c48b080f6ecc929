// SPDX-License-Identifier: BSD-3-Clause
// What one desktop may take of a worker's flow table: new flows a second, flows at once, half-open TCP connections at
// once. Of half-open connections the oldest gives way to a new one, so a flood of SYNs turns over its own share and
// nobody else's. Of one worker; with several workers each limits the flows that it owns.
#pragma once

#include "dataplane/large_pages.h"
#include "dataplane/packet/ip_address.h"
#include "dataplane/prefetch.h"
#include "dataplane/settings.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace foregate::dataplane {

/// Rows by desktop address, in sets of eight; an address that finds no place in its set shares one row with the others
/// that did not (then its rate is limited, its flows are not counted). All memory is taken here, once.
///
/// Half-open connections are remembered in the order in which they began, as flow number and birth. An entry is not
/// taken back when its connection is established or ends: the caller says what has become of it when it is its turn.
class NewFlowLimiter {
public:
    /// `flow_places`: of the flow table. `seed` is secret.
    NewFlowLimiter(const NewFlowLimits& limits, unsigned desktops, std::uint32_t flow_places, std::uint64_t seed);

    enum class Answer : std::uint8_t { admit, too_fast, too_many };
    /// May this desktop begin a flow now? Costs it a token if so.
    [[nodiscard]] Answer admit(const IpAddress& desktop, std::uint64_t now_ns) noexcept;

    /// Fetches the desktop's row, probably.
    void prefetch(const IpAddress& desktop) const noexcept { prefetch_line_to_write(&rows_[home_of(desktop)]); }

    /// A flow of the desktop has begun; for every flow whose end will be told by ended().
    void begun(const IpAddress& desktop, std::uint64_t now_ns) noexcept;
    void ended(const IpAddress& desktop) noexcept;

    /// Remembers a half-open connection, after make_room().
    void half_open(const IpAddress& desktop, std::uint32_t flow, std::uint32_t born_ms) noexcept;

    /// What has become of a flow that was remembered as half-open.
    enum class Now : std::uint8_t {
        half_open,
        gone, ///< established, ended, or another flow in its place
        busy, ///< half-open, but a packet of the present burst belongs to it: it cannot end now
    };
    struct Room {
        bool granted = true;
        std::optional<std::uint32_t> victim; ///< the flow that the caller must end first
    };

    /// Before a half-open connection begins. `look(number, born_ms)` gives a Now.
    template <typename Look>
    [[nodiscard]] Room make_room(const IpAddress& desktop, Look&& look) noexcept {
        Row* row = find(desktop);
        if (limits_.half_open == 0 || row == nullptr) {
            return {};
        }
        if (row->waiting >= limits_.half_open) {
            return take_one(*row, look);
        }
        // Out of memory for all: the one with the most pays.
        return free_ == kNone ? take_one(rows_[fullest_], look) : Room{};
    }

    /// The table is full: the half-open connection that gives way to a new flow of `desktop`. Its own oldest; else the
    /// oldest of the desktop with about the most.
    template <typename Look>
    [[nodiscard]] std::optional<std::uint32_t> give_way(const IpAddress& desktop, Look&& look) noexcept {
        Row* row = find(desktop);
        if (row != nullptr) {
            if (const auto own = pop(*row, look)) {
                return own;
            }
        }
        Row& fullest = rows_[fullest_];
        return &fullest == row ? std::nullopt : pop(fullest, look);
    }

    /// Flows of the desktop that are counted now.
    [[nodiscard]] std::uint32_t flows_of(const IpAddress& desktop) const noexcept;

private:
    static constexpr std::uint32_t kNone = 0xffffffff;
    static constexpr unsigned kWays = 8;
    static constexpr unsigned kMostLookedAt = 16; ///< entries of connections that are no longer half-open, at once

    struct alignas(64) Row {
        IpAddress desktop{};
        std::uint64_t used_until_ns = 0; ///< the rate's state: tokens are spent up to here
        std::uint32_t flows = 0;
        std::uint32_t head = kNone, tail = kNone; ///< oldest and newest half-open connection
        std::uint32_t waiting = 0;                ///< entries between them
        bool used = false;
    };
    struct Entry {
        std::uint32_t flow = 0;
        std::uint32_t born_ms = 0;
        std::uint32_t next = kNone;
    };

    /// The first place of its set; the way in it at which a search begins is in the low bits.
    [[nodiscard]] std::uint32_t home_of(const IpAddress& desktop) const noexcept;
    [[nodiscard]] static std::uint32_t way_of(std::uint32_t home, unsigned step) noexcept {
        return (home & ~(kWays - 1)) | ((home + step) & (kWays - 1));
    }
    [[nodiscard]] Row* find(const IpAddress& desktop) noexcept;
    /// The desktop's row, taken now if needed; the shared one if its set is full.
    [[nodiscard]] Row& row_for(const IpAddress& desktop, std::uint64_t now_ns) noexcept;
    void forget_half_open(Row& row) noexcept;
    void take_oldest(Row& row) noexcept;

    /// Takes the oldest entry off, whatever has become of it, unless it is busy.
    template <typename Look>
    [[nodiscard]] Room take_one(Row& row, Look&& look) noexcept {
        const Entry oldest = entries_[row.head];
        const Now now = look(oldest.flow, oldest.born_ms);
        if (now == Now::busy) {
            return {false, std::nullopt};
        }
        take_oldest(row);
        return {true, now == Now::half_open ? std::optional(oldest.flow) : std::nullopt};
    }

    /// The oldest that is half-open still; those that are gone are taken off on the way.
    template <typename Look>
    [[nodiscard]] std::optional<std::uint32_t> pop(Row& row, Look&& look) noexcept {
        for (unsigned i = 0; i < kMostLookedAt && row.waiting != 0; ++i) {
            const Room room = take_one(row, look);
            if (!room.granted || room.victim) {
                return room.victim;
            }
        }
        return std::nullopt;
    }

    const NewFlowLimits limits_;
    const std::uint64_t seed_;
    std::uint64_t ns_per_flow_ = 0;
    std::uint64_t burst_ns_ = 0;
    std::uint32_t shared_ = 0; ///< number of the row for all that have none
    std::uint32_t fullest_ = 0; ///< the row with about the most half-open connections
    std::uint32_t free_ = kNone;
    std::uint32_t last_ = 0; ///< the row that was found last: a flow's beginning asks several times
    LargeTable<Row> rows_;
    LargeTable<Entry> entries_;
};

} // namespace foregate::dataplane
