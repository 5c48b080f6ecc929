// SPDX-License-Identifier: BSD-3-Clause
// Addresses and prefixes to numbers, by longest match. Immutable after construction; lookups are
// noexcept, take no lock and may run on any number of threads.
//
// Single addresses lie in open-addressing hashes (one for IPv4, one for IPv6). IPv4 prefixes are
// flattened into disjoint intervals behind an index of the upper 16 bits; IPv6 prefixes are probed
// once for each distinct length present, longest first.
#pragma once

#include "dataplane/packet/ip_address.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace foregate::dataplane {

struct AddressTableEntry {
    IpPrefix prefix{};
    std::uint32_t value = 0;
};

class AddressTable {
public:
    static constexpr std::uint32_t kNone = 0xffffffff;

    AddressTable() = default;
    /// Of equal prefixes the first wins. Host bits are cleared. Values must not be kNone (throws
    /// std::invalid_argument).
    explicit AddressTable(std::span<const AddressTableEntry> entries);

    /// The value of the longest prefix that contains `address`, or kNone.
    [[nodiscard]] std::uint32_t lookup(const IpAddress& address) const noexcept {
        return address.is_v4() ? lookup_v4(address.v4()) : lookup_v6(address);
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    struct HostSlot {
        std::uint32_t address = 0;
        std::uint32_t value = kNone; ///< kNone: free
    };
    struct WideSlot {
        IpAddress address{};
        std::uint32_t value = kNone;
        std::uint8_t length = 0;
    };

    void insert_host(std::uint32_t address, std::uint32_t value) noexcept;
    void insert_wide(const IpPrefix& prefix, std::uint32_t value) noexcept;
    void build_intervals(std::vector<AddressTableEntry>& prefixes);
    void index_intervals();
    [[nodiscard]] std::uint32_t find_wide(const IpAddress& network,
                                          std::uint8_t length) const noexcept;
    [[nodiscard]] std::uint32_t lookup_v4(std::uint32_t address) const noexcept;
    [[nodiscard]] std::uint32_t lookup_v6(const IpAddress& address) const noexcept;

    std::vector<HostSlot> hosts_; ///< a power of two, at most half full; empty when unused
    std::vector<WideSlot> wide_;  ///< IPv6 addresses and prefixes, likewise
    std::vector<std::uint8_t> wide_lengths_;     ///< IPv6 lengths present, longest first
    std::vector<std::uint32_t> interval_starts_; ///< ascending, the first is 0; empty when unused
    std::vector<std::uint32_t> interval_values_; ///< beside interval_starts_
    std::vector<std::uint32_t>
        first_in_upper_half_; ///< for each upper 16 bits, the interval at its start
    std::size_t size_ = 0;
};

} // namespace foregate::dataplane
