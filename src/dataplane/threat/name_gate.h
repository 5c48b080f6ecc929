// SPDX-License-Identifier: BSD-3-Clause
// What stands in front of a long list of names: says at once of nearly every host that no listed name is it or above it. It
// may be wrong in the other direction only (one host in a hundred), so the matcher behind it decides, and the answer is the
// same with and without the gate.
//
// A blocked Bloom filter: Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters" (2007), with blocks
// of one 64-bit word, 16 bits and 4 probes a name. Hosts are asked with all their suffixes that have as many labels as any
// listed name has.
#pragma once

#include "dataplane/large_pages.h"

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace foregate::dataplane {

/// A host's suffixes, hashed: what a gate is asked with, and which part of a list its names are in.
struct HostLook {
    static constexpr unsigned kMost = 8;
    std::array<std::uint64_t, kMost> suffixes; ///< the first `count`
    std::uint64_t registered = 0; ///< of the last two labels; 0: the host has only one
    std::uint8_t count = 0;
    bool too_many = false; ///< more suffixes than fit: to be decided by the matcher
};

/// Labels are what stands between dots. The hash is a plain mixer (as wyhash's, public domain): a feed's author who aims at
/// its collisions gains that the matcher is asked more often.
class NameGate {
public:
    NameGate() = default;
    /// Room for so many names.
    explicit NameGate(std::size_t names);

    void add(std::string_view name) noexcept;

    /// Hashes `host` and fetches the words that passes() will read.
    [[nodiscard]] HostLook look(std::string_view host) const noexcept;
    /// False: no name that was added is the looked-at host or above it.
    [[nodiscard]] bool passes(const HostLook& look) const noexcept;

    /// HostLook::registered of a name, without a gate.
    [[nodiscard]] static std::uint64_t registered_of(std::string_view name) noexcept;

    [[nodiscard]] std::size_t memory_bytes() const noexcept { return words_.size() * sizeof(std::uint64_t); }

private:
    static constexpr std::size_t kMostLabels = 128; ///< of 253 bytes

    [[nodiscard]] std::size_t word_of(std::uint64_t hash) const noexcept {
        return (hash >> 32) & (words_.size() - 1);
    }
    [[nodiscard]] static std::uint64_t bits_of(std::uint64_t hash) noexcept {
        return 1ULL << (hash & 63) | 1ULL << (hash >> 6 & 63) | 1ULL << (hash >> 12 & 63) | 1ULL << (hash >> 18 & 63);
    }

    LargeTable<std::uint64_t> words_;   ///< a power of two; empty: nothing was added
    std::bitset<kMostLabels> labels_;   ///< labels that added names have
};

} // namespace foregate::dataplane
