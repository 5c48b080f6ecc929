// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/feed_rules.h"

#include <array>
#include <string_view>
#include <utility>

namespace foregate::control {

using dataplane::IpAddress;
using dataplane::IpPrefix;

namespace {

constexpr unsigned kShortestV4 = 8;
constexpr unsigned kShortestV6 = 16;

struct InternalNetwork {
    IpPrefix prefix;
    std::string_view what;
};

// After the IANA special-purpose address registries. The documentation networks (RFC 5737, RFC
// 3849) are left out on purpose: nobody is cut off by them, and examples need something to list.
const std::array<InternalNetwork, 14>& internal_networks() {
    const auto net = [](const char* text) { return *IpPrefix::parse(text); };
    static const std::array<InternalNetwork, 14> kNetworks{{
        {net("0.0.0.0/8"), "\"this network\""},
        {net("10.0.0.0/8"), "a private network"},
        {net("100.64.0.0/10"), "a provider's shared network"},
        {net("127.0.0.0/8"), "loopback"},
        {net("169.254.0.0/16"), "link-local"},
        {net("172.16.0.0/12"), "a private network"},
        {net("192.168.0.0/16"), "a private network"},
        {net("224.0.0.0/4"), "multicast"},
        {net("240.0.0.0/4"), "reserved or broadcast"},
        {net("::/128"), "the unspecified address"},
        {net("::1/128"), "loopback"},
        {net("fc00::/7"), "a unique local network"},
        {net("fe80::/10"), "link-local"},
        {net("ff00::/8"), "multicast"},
    }};
    return kNetworks;
}

} // namespace

FeedRules FeedRules::for_allow_list() {
    FeedRules rules;
    rules.refuse_internal = false;
    rules.refuse_single_label = false;
    return rules;
}

std::string why_refused(const IpPrefix& prefix, const FeedRules& rules) {
    if (prefix.length == 0) {
        return "the default route";
    }
    for (const IpPrefix& own : rules.own_prefixes) {
        if (prefix.overlaps(own)) {
            return "overlaps our own network " + own.to_string();
        }
    }
    if (!rules.refuse_internal) {
        return {};
    }
    for (const InternalNetwork& internal : internal_networks()) {
        if (prefix.overlaps(internal.prefix)) {
            return "overlaps " + internal.prefix.to_string() + ", " + std::string(internal.what);
        }
    }
    const unsigned shortest = prefix.is_v4() ? kShortestV4 : kShortestV6;
    if (prefix.length < shortest) {
        return "a prefix shorter than /" + std::to_string(shortest);
    }
    return {};
}

std::string why_refused(const FeedName& name, const FeedRules& rules) {
    if (rules.refuse_single_label && name.single_label) {
        return "a name of one label: a top-level domain, or a host without its domain";
    }
    if (rules.suffixes != nullptr && rules.suffixes->contains(name.name)) {
        return "a public suffix, below which anybody may register";
    }
    for (const std::string& own : rules.own_names) {
        if (is_at_or_below(name.name, own) || is_at_or_below(own, name.name)) {
            return "touches our own name " + own;
        }
    }
    return {};
}

} // namespace foregate::control
