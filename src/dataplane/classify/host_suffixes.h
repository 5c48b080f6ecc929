// SPDX-License-Identifier: BSD-3-Clause
// Host names against a list of names, each standing for itself and all below it: a hash for each label boundary, from
// the right, so a host costs as many look-ups as it has labels. Immutable after freeze().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::dataplane {

class HostSuffixes {
public:
    /// A later value for the same name wins. Not after freeze().
    void add(std::string name, std::uint16_t value);
    void freeze();

    /// The value of the longest listed name that is `host` or above it, 0 when there is none; `length` is that name's.
    [[nodiscard]] std::uint16_t find(std::string_view host, std::size_t& length) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    struct Entry {
        std::uint64_t hash = 0;
        std::string name;
        std::uint16_t value = 0;
    };
    static constexpr std::uint64_t kStart = 0xcbf29ce484222325ULL;
    static constexpr std::uint64_t kFactor = 0x100000001b3ULL;
    static constexpr int kMostLabels = 12; ///< from the right; no pattern has more

    [[nodiscard]] const Entry* at(std::uint64_t hash, std::string_view name) const noexcept;

    std::vector<Entry> entries_;
    std::vector<std::uint32_t> places_; ///< entry number + 1; a power of two, at most half full
};

} // namespace foregate::dataplane
