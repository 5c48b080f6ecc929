// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/nearest.h"

#include <algorithm>
#include <cstddef>

namespace foregate::control {

namespace {

constexpr std::size_t kLongestWord = 64; ///< longer ones are near nothing, and cost no time

std::string folded(std::string_view word) {
    std::string out(word);
    for (char& c : out) {
        c = c == '_' ? '-' : (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    }
    return out;
}

/// Optimal string alignment distance (Damerau-Levenshtein with no edit inside a swapped pair),
/// three rows.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        above[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, replace});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        before.swap(above);
        above.swap(row);
    }
    return above[b.size()];
}

} // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string>& known) {
    if (word.empty() || word.size() > kLongestWord) {
        return {};
    }
    const std::string wanted = folded(word);
    std::string_view best;
    std::size_t best_distance = 0;
    for (const auto& candidate : known) {
        const std::size_t d = distance(wanted, folded(candidate));
        const std::size_t limit =
            std::max<std::size_t>(1, std::min<std::size_t>(3, candidate.size() / 2));
        if (d <= limit && (best.empty() || d < best_distance)) {
            best = candidate;
            best_distance = d;
        }
    }
    return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
    if (const auto near = nearest(word, known); !near.empty()) {
        return "did you mean \"" + std::string(near) + "\"?";
    }
    std::string all = known.empty() ? "expected none" : "expected one of ";
    for (std::size_t i = 0; i < known.size(); ++i) {
        all += (i == 0 ? "" : ", ") + known[i];
    }
    return all;
}

} // namespace foregate::control
