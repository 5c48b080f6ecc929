// SPDX-License-Identifier: BSD-3-Clause
// Lists of names as feeds have them, and the plain ways of asking a list that foregate's is measured beside.
#pragma once

#include "dataplane/threat/name_matcher.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

struct hs_database;
struct hs_scratch;

namespace foregate::bench {

/// `count` distinct names of two and three labels, the same ones each time; of another `seed` others.
[[nodiscard]] std::vector<std::string> listed_names(std::uint32_t count, std::uint32_t seed);
/// Hosts one behind the other: a worker has the name that it asks for in its cache, so waiting for it is not to be measured.
class Hosts {
public:
    explicit Hosts(const std::vector<std::string>& hosts);
    Hosts(const Hosts&) = delete;
    Hosts& operator=(const Hosts&) = delete;
    [[nodiscard]] const std::vector<std::string_view>& all() const noexcept { return hosts_; }

private:
    std::string text_;
    std::vector<std::string_view> hosts_;
};

/// Hosts below listed names, and hosts of names that are not listed.
[[nodiscard]] std::vector<std::string> hosts_below(const std::vector<std::string>& names, std::uint32_t count);
[[nodiscard]] std::vector<std::string> hosts_beside(std::uint32_t count);

[[nodiscard]] dataplane::NameMatcher matcher_of(const std::vector<std::string>& names, const dataplane::NameBuild& build);

/// Every suffix of a host at a label's boundary, asked of std::unordered_set.
class SuffixSet {
public:
    explicit SuffixSet(const std::vector<std::string>& names) : names_(names.begin(), names.end()) {}
    [[nodiscard]] bool holds(std::string_view host) const;

private:
    std::unordered_set<std::string_view> names_; ///< of the list given, which must stay
};

/// All names as one Hyperscan database of reversed literals, each host a scan: no gate, no parts.
class PlainHyperscan {
public:
    explicit PlainHyperscan(const std::vector<std::string>& names);
    ~PlainHyperscan();
    PlainHyperscan(const PlainHyperscan&) = delete;
    PlainHyperscan& operator=(const PlainHyperscan&) = delete;
    [[nodiscard]] bool holds(std::string_view host);

private:
    hs_database* database_ = nullptr;
    hs_scratch* scratch_ = nullptr;
};

} // namespace foregate::bench
