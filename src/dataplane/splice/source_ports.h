// SPDX-License-Identifier: BSD-3-Clause
// Source ports for held connections: RFC 6056 algorithm 3 (keyed hash of the three-tuple plus a
// counter), skipping ports that are taken or closed so recently that the server may still remember
// them. Owned by one worker; no allocation after construction.
#pragma once

#include "dataplane/packet/ip_address.h"
#include "dataplane/splice/keyed_hash.h"
#include "dataplane/splice/slot_index.h"

#include <cstdint>
#include <vector>

namespace foregate::dataplane {

/// The five-tuple of a held connection as it is on the wire upstream (protocol TCP).
struct HeldTuple {
    IpAddress source{};
    IpAddress server{};
    std::uint16_t source_port = 0;
    std::uint16_t server_port = 0;
};

/// Asks the worker whether one of its flows already uses a tuple. Called on the worker's core only.
struct PortInUse {
    bool (*in_use)(void* context, const HeldTuple& tuple) noexcept = nullptr; ///< nullptr: never
    void* context = nullptr;

    [[nodiscard]] bool operator()(const HeldTuple& tuple) const noexcept {
        return in_use != nullptr && in_use(context, tuple);
    }
};

/// Keyed 64-bit hash of a whole tuple; `domain` separates the uses of one key.
[[nodiscard]] std::uint64_t hash_tuple(const SecretKey& key, std::uint8_t domain,
                                       const HeldTuple& tuple) noexcept;

/// Remembers closed tuples for a while. When full, the oldest is forgotten early and counted.
class PortQuarantine {
public:
    PortQuarantine(std::uint32_t capacity, std::uint64_t hold_ns);

    void add(std::uint64_t tuple_hash, std::uint64_t now_ns) noexcept;
    [[nodiscard]] bool contains(std::uint64_t tuple_hash, std::uint64_t now_ns) const noexcept;
    [[nodiscard]] std::uint64_t forgotten_early() const noexcept { return forgotten_early_; }

private:
    struct Entry {
        std::uint64_t hash = 0;
        std::uint64_t until_ns = 0; ///< 0: never used
    };

    std::uint64_t hold_ns_;
    std::uint32_t next_ = 0;
    std::uint64_t forgotten_early_ = 0;
    std::vector<Entry> entries_;
    SlotIndex index_;
};

class SourcePorts {
public:
    /// Ports are drawn from low..high, both included. The default keeps below the ephemeral ranges
    /// of Linux (32768-60999) and Windows (49152-65535), so a desktop hardly ever picks the same
    /// one.
    SourcePorts(const SecretKey& key, std::uint16_t low, std::uint16_t high) noexcept
        : key_(key), low_(low), count_(high >= low ? high - low + 1U : 1U) {}

    /// A port for which `taken(tuple)` is false, or 0 after kTries attempts.
    template <typename Taken> std::uint16_t pick(HeldTuple tuple, Taken&& taken) noexcept {
        tuple.source_port = 0;
        const auto offset = static_cast<std::uint32_t>(hash_tuple(key_, kDomain, tuple));
        const std::uint32_t tries = count_ < kTries ? count_ : kTries;
        for (std::uint32_t i = 0; i < tries; ++i) {
            tuple.source_port = static_cast<std::uint16_t>(low_ + (offset + next_++) % count_);
            if (!taken(tuple)) {
                return tuple.source_port;
            }
        }
        return 0;
    }

private:
    static constexpr std::uint32_t kTries = 128;
    static constexpr std::uint8_t kDomain = 1;

    SecretKey key_;
    std::uint32_t low_;
    std::uint32_t count_;
    std::uint32_t next_ = 0;
};

} // namespace foregate::dataplane
