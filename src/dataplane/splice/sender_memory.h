// SPDX-License-Identifier: BSD-3-Clause
// Which desktops' senders take the handshake's round trip for the path's, and which destinations
// are uploaded to. BBR (Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016) limits
// what is on the way to twice its rate times the least round trip of ten seconds, and begins with
// the handshake's: behind an instant answer it starves. It is well again with an answer after six
// tenths of the true round trip. Learned from what spliced uploads do; fixed memory, a hash each,
// so that what is old gives way to what is new. A wrong entry costs a part of a round trip, no
// more. Owned by one worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace foregate::dataplane {

class SenderMemory {
public:
    /// An upload is looked at each time this many bytes (as a power of two) have passed.
    static constexpr unsigned kLookShift = 18;

    /// `keeps_up`: the desktop was seen to have much on the way. Otherwise it starves, and so may
    /// others of its class.
    void judge(std::uint32_t desktop, std::uint16_t usage_class, bool keeps_up) noexcept {
        desktops_[desktop % kDesktops] = {desktop, keeps_up ? Sender::keeps_up : Sender::starves};
        if (!keeps_up) {
            class_starves_[usage_class % kClasses] = true;
        }
    }
    [[nodiscard]] bool may_starve(std::uint32_t desktop, std::uint16_t usage_class) const noexcept {
        const Entry& entry = desktops_[desktop % kDesktops];
        return entry.desktop == desktop && entry.sender != Sender::unknown
                   ? entry.sender == Sender::starves
                   : class_starves_[usage_class % kClasses];
    }

    /// A connection to the server with this (keyed) hash is over, or has uploaded much already.
    void used(std::uint64_t server, std::uint64_t bytes_up) noexcept {
        Server& entry = servers_[server % kServers];
        if (entry.hash != server) {
            entry = {server, 0, false};
        }
        entry.uploads = entry.uploads || bytes_up >= kLongUpload;
        entry.short_ones =
            static_cast<std::uint8_t>(entry.short_ones < kEnough ? entry.short_ones + 1 : kEnough);
    }
    /// Known well enough, and never uploaded much to.
    [[nodiscard]] bool only_short(std::uint64_t server) const noexcept {
        const Server& entry = servers_[server % kServers];
        return entry.hash == server && !entry.uploads && entry.short_ones >= kEnough;
    }

private:
    static constexpr std::size_t kDesktops = 8192;
    static constexpr std::size_t kClasses = 1024;
    static constexpr std::size_t kServers = 2048;
    static constexpr std::uint8_t kEnough = 4;
    static constexpr std::uint64_t kLongUpload = 128 * 1024; ///< ten first windows

    enum class Sender : std::uint8_t { unknown, keeps_up, starves };
    struct Entry {
        std::uint32_t desktop = 0;
        Sender sender = Sender::unknown;
    };
    struct Server {
        std::uint64_t hash = 0;
        std::uint8_t short_ones = 0;
        bool uploads = false;
    };

    std::array<Entry, kDesktops> desktops_{};
    std::array<bool, kClasses> class_starves_{};
    std::array<Server, kServers> servers_{};
};

} // namespace foregate::dataplane
