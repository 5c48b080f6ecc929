// SPDX-License-Identifier: BSD-3-Clause
#include "control/access/known_names.h"

#include "control/usage/destination_text.h"

#include <algorithm>

namespace foregate::control {

KnownNames::KnownNames(const std::vector<AccessListInForce>& lists) {
    std::set<std::string> to_ask;
    for (const AccessListInForce& one : lists) {
        for (const dataplane::AccessRule& rule : one.list.rules) {
            if (rule.name.empty()) {
                continue;
            }
            (rule.exact ? exact_names_ : names_).insert(rule.name);
            if (rule.action == dataplane::AccessAction::allow && rule.name.find('.') != std::string::npos) {
                to_ask.insert(format_destination(rule.name, rule.first_port));
            }
        }
    }
    to_ask_.assign(to_ask.begin(), to_ask.end());
}

bool KnownNames::spoken_of(std::string_view name) const {
    if (exact_names_.contains(name)) {
        return true;
    }
    while (!names_.empty() && !names_.contains(name)) {
        const std::size_t dot = name.find('.');
        if (dot == std::string_view::npos) {
            return false;
        }
        name.remove_prefix(dot + 1);
    }
    return !names_.empty();
}

void KnownNames::learn(std::string_view name, std::span<const IpAddress> addresses, std::uint32_t ttl_s,
                       SteadyTime now) {
    if (!spoken_of(name)) {
        return;
    }
    const SteadyTime until = now + std::min(std::chrono::seconds(ttl_s), kMostTtl) + kKept;
    for (const IpAddress& address : addresses) {
        auto found = addresses_.find(address);
        if (found == addresses_.end()) {
            if (addresses_.size() >= kMostAddresses) {
                ++left_out_;
                continue;
            }
            found = addresses_.try_emplace(address).first;
        }
        auto& names = found->second;
        if (!names.contains(std::string(name)) && names.size() >= dataplane::AccessTable::kMostNames) {
            names.erase(std::min_element(names.begin(), names.end(), [](const auto& a, const auto& b) {
                return a.second < b.second;
            }));
        }
        const auto [at, fresh] = names.try_emplace(std::string(name), until);
        at->second = std::max(at->second, until);
        version_ += fresh ? 1 : 0;
    }
}

void KnownNames::expire(SteadyTime now) {
    for (auto it = addresses_.begin(); it != addresses_.end();) {
        version_ += std::erase_if(it->second, [now](const auto& name) { return name.second <= now; });
        it = it->second.empty() ? addresses_.erase(it) : std::next(it);
    }
}

dataplane::NamesOfAddress KnownNames::by_address() const {
    dataplane::NamesOfAddress out;
    out.reserve(addresses_.size());
    for (const auto& [address, names] : addresses_) {
        auto& list = out[address];
        for (const auto& [name, until] : names) {
            list.push_back(name);
        }
    }
    return out;
}

} // namespace foregate::control
