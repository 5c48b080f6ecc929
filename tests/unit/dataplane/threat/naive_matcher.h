// SPDX-License-Identifier: BSD-3-Clause
// Lists of names, and what their matcher has to agree with.
#pragma once

#include "dataplane/threat/name_matcher.h"

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace foregate::dataplane {

struct ListedName {
    std::string name;
    bool below_only = false;
};

/// What the matcher has to agree with: the host's suffixes, longest first, in a plain map.
class NaiveMatcher {
public:
    explicit NaiveMatcher(const std::vector<ListedName>& names) {
        for (std::uint32_t i = 0; i < names.size(); ++i) {
            (names[i].below_only ? below_ : whole_).try_emplace(names[i].name, i);
        }
    }
    [[nodiscard]] std::uint32_t match(const std::string& host) const {
        for (std::size_t start = 0;;) {
            const std::string suffix = host.substr(start);
            const auto below = below_.find(suffix);
            if (start > 0 && below != below_.end()) {
                return below->second;
            }
            const auto whole = whole_.find(suffix);
            if (whole != whole_.end()) {
                return whole->second;
            }
            const std::size_t dot = host.find('.', start);
            if (dot == std::string::npos) {
                return NameMatcher::kNone;
            }
            start = dot + 1;
        }
    }

private:
    std::map<std::string, std::uint32_t> whole_;
    std::map<std::string, std::uint32_t> below_;
};

inline NameMatcher matcher_of(const std::vector<ListedName>& names, const NameBuild& build = {}) {
    std::vector<NamePattern> patterns;
    for (std::uint32_t i = 0; i < names.size(); ++i) {
        patterns.push_back({names[i].name, i, names[i].below_only});
    }
    return NameMatcher(patterns, build);
}

/// Names over a tiny alphabet collide, nest and share endings as much as names can.
inline std::string random_name(std::mt19937_64& random, unsigned letters, unsigned max_labels) {
    std::string name;
    const std::uint64_t labels = 1 + random() % max_labels;
    for (std::uint64_t label = 0; label < labels; ++label) {
        name += label == 0 ? "" : ".";
        const std::uint64_t length = 1 + random() % 3;
        for (std::uint64_t i = 0; i < length; ++i) {
            name += static_cast<char>('a' + static_cast<char>(random() % letters));
        }
    }
    return name;
}

} // namespace foregate::dataplane
