// SPDX-License-Identifier: BSD-3-Clause
// Longest prefix match over both address families; immutable after build, one hash probe per distinct length.
#pragma once

#include "dataplane/large_pages.h"
#include "dataplane/packet/ip_address.h"
#include "dataplane/prefetch.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace foregate::dataplane {

/// Values by prefix. Of equal prefixes the last one given wins. Lookups never allocate.
template <typename T>
class PrefixMap {
public:
    PrefixMap() = default;

    explicit PrefixMap(const std::vector<std::pair<IpPrefix, T>>& entries) {
        std::size_t size = 16;
        while (size < entries.size() * 2) {
            size *= 2;
        }
        slots_.resize(size);
        for (const auto& [prefix, value] : entries) {
            insert(prefix.network(), value);
        }
        for (auto* lengths : {&v4_lengths_, &v6_lengths_}) {
            std::sort(lengths->begin(), lengths->end(), std::greater<>());
            lengths->erase(std::unique(lengths->begin(), lengths->end()), lengths->end());
        }
    }

    /// The value of the longest prefix that holds `a`, or nullptr.
    [[nodiscard]] const T* find(const IpAddress& a) const noexcept {
        for (const std::uint8_t length : a.is_v4() ? v4_lengths_ : v6_lengths_) {
            const IpPrefix key = IpPrefix{a, length}.network();
            for (std::size_t at = home(key); slots_[at].used; at = (at + 1) & (slots_.size() - 1)) {
                if (slots_[at].prefix == key) {
                    return &slots_[at].value;
                }
            }
        }
        return nullptr;
    }

    /// Fetches where find(a) begins to look.
    void prefetch(const IpAddress& a) const noexcept {
        const std::vector<std::uint8_t>& lengths = a.is_v4() ? v4_lengths_ : v6_lengths_;
        if (!lengths.empty()) {
            prefetch_line(&slots_[home(IpPrefix{a, lengths.front()}.network())]);
        }
    }

    [[nodiscard]] bool empty() const noexcept { return v4_lengths_.empty() && v6_lengths_.empty(); }

private:
    struct Slot {
        IpPrefix prefix{};
        T value{};
        bool used = false;
    };

    [[nodiscard]] std::size_t home(const IpPrefix& p) const noexcept {
        return hash_address(p.address, 0x2545f4914f6cdd1dULL + p.length) & (slots_.size() - 1);
    }

    void insert(const IpPrefix& prefix, const T& value) {
        std::size_t at = home(prefix);
        while (slots_[at].used && slots_[at].prefix != prefix) {
            at = (at + 1) & (slots_.size() - 1);
        }
        slots_[at] = Slot{prefix, value, true};
        (prefix.is_v4() ? v4_lengths_ : v6_lengths_).push_back(prefix.length);
    }

    LargeTable<Slot> slots_;
    std::vector<std::uint8_t> v4_lengths_; ///< distinct, longest first
    std::vector<std::uint8_t> v6_lengths_;
};

} // namespace foregate::dataplane
