// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/threat/address_table.h"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <tuple>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kUpperHalves = 1U << 16;

std::size_t hash_host(std::uint32_t address) noexcept {
    const std::uint64_t product = address * 0x9e3779b97f4a7c15ULL;
    return static_cast<std::size_t>(product >> 32 ^ product >> 15);
}

std::size_t hash_wide(const IpAddress& network, std::uint8_t length) noexcept {
    return static_cast<std::size_t>(hash_address(network, 0x2545f4914f6cdd1dULL + length));
}

std::size_t slots_for(std::size_t count) {
    return count == 0 ? 0 : std::bit_ceil(count * 2);
}

/// The last address of an IPv4 prefix, host order.
std::uint32_t last_of(const IpPrefix& prefix) noexcept {
    const std::uint64_t size = std::uint64_t{1} << (32U - prefix.length);
    return static_cast<std::uint32_t>(prefix.address.v4() + (size - 1));
}

} // namespace

AddressTable::AddressTable(std::span<const AddressTableEntry> entries) {
    std::size_t hosts = 0;
    std::size_t wide = 0;
    std::vector<AddressTableEntry> prefixes;
    for (const AddressTableEntry& entry : entries) {
        if (entry.value == kNone) {
            throw std::invalid_argument("address table: the value 0xffffffff means \"none\"");
        }
        hosts += entry.prefix.is_v4() && entry.prefix.length >= 32 ? 1 : 0;
        wide += entry.prefix.is_v4() ? 0 : 1;
    }
    hosts_.resize(slots_for(hosts));
    wide_.resize(slots_for(wide));
    for (const AddressTableEntry& entry : entries) {
        const IpPrefix prefix = entry.prefix.network();
        if (!prefix.is_v4()) {
            insert_wide(prefix, entry.value);
        } else if (prefix.length >= 32) {
            insert_host(prefix.address.v4(), entry.value);
        } else {
            prefixes.push_back({prefix, entry.value});
        }
    }
    std::sort(wide_lengths_.begin(), wide_lengths_.end(), std::greater<>());
    if (!prefixes.empty()) {
        build_intervals(prefixes);
        index_intervals();
    }
}

void AddressTable::insert_host(std::uint32_t address, std::uint32_t value) noexcept {
    const std::size_t mask = hosts_.size() - 1;
    std::size_t at = hash_host(address) & mask;
    while (hosts_[at].value != kNone) {
        if (hosts_[at].address == address) {
            return;
        }
        at = (at + 1) & mask;
    }
    hosts_[at] = {address, value};
    ++size_;
}

void AddressTable::insert_wide(const IpPrefix& prefix, std::uint32_t value) noexcept {
    const std::size_t mask = wide_.size() - 1;
    std::size_t at = hash_wide(prefix.address, prefix.length) & mask;
    while (wide_[at].value != kNone) {
        if (wide_[at].address == prefix.address && wide_[at].length == prefix.length) {
            return;
        }
        at = (at + 1) & mask;
    }
    wide_[at] = {prefix.address, value, prefix.length};
    if (std::find(wide_lengths_.begin(), wide_lengths_.end(), prefix.length) ==
        wide_lengths_.end()) {
        wide_lengths_.push_back(prefix.length);
    }
    ++size_;
}

/// Sweeps over the prefixes in order of their first address, outer before inner, with the enclosing
/// ones on a stack, and notes where the innermost changes.
void AddressTable::build_intervals(std::vector<AddressTableEntry>& prefixes) {
    std::stable_sort(prefixes.begin(), prefixes.end(),
                     [](const AddressTableEntry& a, const AddressTableEntry& b) {
                         return std::tuple(a.prefix.address.v4(), a.prefix.length) <
                                std::tuple(b.prefix.address.v4(), b.prefix.length);
                     });
    std::vector<const AddressTableEntry*> open;
    const auto begin_at = [this](std::uint64_t start, std::uint32_t value) {
        if (start > 0xffffffffU) {
            return;
        }
        if (!interval_starts_.empty() && interval_starts_.back() == start) {
            interval_values_.back() = value;
            return;
        }
        if (interval_values_.empty() || interval_values_.back() != value) {
            interval_starts_.push_back(static_cast<std::uint32_t>(start));
            interval_values_.push_back(value);
        }
    };
    const auto close_before = [&](std::uint64_t address) {
        while (!open.empty() && last_of(open.back()->prefix) < address) {
            const std::uint64_t after = std::uint64_t{last_of(open.back()->prefix)} + 1;
            open.pop_back();
            begin_at(after, open.empty() ? kNone : open.back()->value);
        }
    };
    begin_at(0, kNone);
    for (const AddressTableEntry& entry : prefixes) {
        close_before(entry.prefix.address.v4());
        if (!open.empty() && open.back()->prefix == entry.prefix) {
            continue; // equal: the first stays
        }
        begin_at(entry.prefix.address.v4(), entry.value);
        open.push_back(&entry);
        ++size_;
    }
    close_before(std::uint64_t{1} << 32);
}

void AddressTable::index_intervals() {
    first_in_upper_half_.resize(kUpperHalves + 1);
    std::uint32_t interval = 0;
    for (std::size_t upper = 0; upper < kUpperHalves; ++upper) {
        const auto start = static_cast<std::uint32_t>(upper << 16);
        while (interval + 1 < interval_starts_.size() && interval_starts_[interval + 1] <= start) {
            ++interval;
        }
        first_in_upper_half_[upper] = interval;
    }
    first_in_upper_half_[kUpperHalves] = static_cast<std::uint32_t>(interval_starts_.size() - 1);
}

std::uint32_t AddressTable::lookup_v4(std::uint32_t address) const noexcept {
    if (!hosts_.empty()) {
        const std::size_t mask = hosts_.size() - 1;
        for (std::size_t at = hash_host(address) & mask; hosts_[at].value != kNone;
             at = (at + 1) & mask) {
            if (hosts_[at].address == address) {
                return hosts_[at].value;
            }
        }
    }
    if (interval_starts_.empty()) {
        return kNone;
    }
    // The last interval that starts at or before the address.
    const std::size_t upper = address >> 16;
    std::uint32_t low = first_in_upper_half_[upper];
    std::uint32_t high = first_in_upper_half_[upper + 1];
    while (low < high) {
        const std::uint32_t middle = low + (high - low + 1) / 2;
        if (interval_starts_[middle] <= address) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return interval_values_[low];
}

std::uint32_t AddressTable::find_wide(const IpAddress& network,
                                      std::uint8_t length) const noexcept {
    const std::size_t mask = wide_.size() - 1;
    for (std::size_t at = hash_wide(network, length) & mask; wide_[at].value != kNone;
         at = (at + 1) & mask) {
        if (wide_[at].length == length && wide_[at].address == network) {
            return wide_[at].value;
        }
    }
    return kNone;
}

std::uint32_t AddressTable::lookup_v6(const IpAddress& address) const noexcept {
    for (const std::uint8_t length : wide_lengths_) {
        const std::uint32_t value = find_wide(masked(address, length), length);
        if (value != kNone) {
            return value;
        }
    }
    return kNone;
}

std::size_t AddressTable::memory_bytes() const noexcept {
    return hosts_.size() * sizeof(HostSlot) + wide_.size() * sizeof(WideSlot) +
           wide_lengths_.size() +
           (interval_starts_.size() + interval_values_.size() + first_in_upper_half_.size()) *
               sizeof(std::uint32_t);
}

} // namespace foregate::dataplane
