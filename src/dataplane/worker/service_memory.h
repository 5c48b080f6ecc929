// SPDX-License-Identifier: BSD-3-Clause
// What the flows to a server's port turned out to be, so that the next one is counted rightly from its first packet on.
// A fixed table of one worker; an entry is overwritten by the next service that falls on its place.
#pragma once

#include "dataplane/app_type.h"
#include "dataplane/packet/ip_address.h"

#include <array>
#include <cstdint>

namespace foregate::dataplane {

class ServiceMemory {
public:
    explicit ServiceMemory(std::uint64_t seed) noexcept : seed_(seed) {}

    /// The type to begin with, or `otherwise` when nothing is known, or flows there differ.
    [[nodiscard]] AppType find(const IpAddress& server, std::uint16_t port, std::uint8_t protocol,
                               AppType otherwise) const noexcept {
        const std::uint64_t hash = hash_of(server, port, protocol);
        const Entry& entry = entries_[hash % kEntries];
        return entry.tag == tag_of(hash) && !entry.mixed ? entry.type : otherwise;
    }

    void note(const IpAddress& server, std::uint16_t port, std::uint8_t protocol, AppType type) noexcept {
        const std::uint64_t hash = hash_of(server, port, protocol);
        Entry& entry = entries_[hash % kEntries];
        if (entry.tag != tag_of(hash)) {
            entry = {tag_of(hash), type, false};
        } else if (entry.type != type) {
            entry.mixed = true; // one address, several applications: the port says as much
        }
    }

private:
    static constexpr std::size_t kEntries = 4096;
    struct Entry {
        std::uint32_t tag = 0; ///< 0 = empty
        AppType type = AppType::other;
        bool mixed = false;
    };

    [[nodiscard]] std::uint64_t hash_of(const IpAddress& server, std::uint16_t port, std::uint8_t protocol) const noexcept {
        return hash_address(server, seed_ ^ (static_cast<std::uint64_t>(port) << 8 | protocol));
    }
    [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash >> 32) | 1U;
    }

    std::uint64_t seed_;
    std::array<Entry, kEntries> entries_{};
};

} // namespace foregate::dataplane
