// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/public_suffixes.h"

#include "control/threat/feed_name.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace foregate::control {

namespace {

constexpr const char* kSystemFile = "/usr/share/publicsuffix/public_suffix_list.dat";

} // namespace

PublicSuffixes::PublicSuffixes(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view rule = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        rule = rule.substr(0, rule.find_first_of(" \t\r"));
        if (rule.empty() || rule.starts_with("//")) {
            continue;
        }
        Names* names = &names_;
        if (rule.starts_with('!')) {
            names = &exceptions_;
            rule.remove_prefix(1);
        } else if (rule.starts_with("*.")) {
            names = &below_;
            rule.remove_prefix(2);
        }
        FeedName name = parse_feed_name(rule);
        if (name.reason.empty() && !name.below_only) {
            names->insert(std::move(name.name));
        }
    }
}

std::shared_ptr<const PublicSuffixes> PublicSuffixes::of_system() {
    static const std::shared_ptr<const PublicSuffixes> kSuffixes = [] {
        std::ifstream in(kSystemFile, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in),
                               std::istreambuf_iterator<char>()};
        return text.empty() ? nullptr : std::make_shared<const PublicSuffixes>(text);
    }();
    return kSuffixes;
}

bool PublicSuffixes::contains(std::string_view name) const {
    if (names_.contains(name)) {
        return true;
    }
    const std::size_t dot = name.find('.');
    return dot != std::string_view::npos && below_.contains(name.substr(dot + 1)) &&
           !exceptions_.contains(name);
}

} // namespace foregate::control
