// SPDX-License-Identifier: BSD-3-Clause
#include "control/destination/directory.h"

#include "control/destination/address_choice.h"
#include "control/usage/destination_text.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <tuple>

namespace foregate::control {

namespace {

using Addresses = std::vector<IpAddress>;

/// Lower case, no dot at the end; empty for what cannot be a name.
std::string normal_name(std::string_view name) {
    if (!name.empty() && name.back() == '.') {
        name.remove_suffix(1);
    }
    if (name.empty() || name.size() > 253 || name.find_first_of(": /[]") != name.npos ||
        IpAddress::parse(name)) {
        return {};
    }
    std::string out(name);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

bool has(const Addresses& list, const IpAddress& a) {
    return std::find(list.begin(), list.end(), a) != list.end();
}

/// Asked again so long before the end: a tenth of the TTL, at most ten seconds.
SteadyTime::duration refresh_margin(SteadyTime::duration ttl) {
    return std::min<SteadyTime::duration>(ttl / 10, std::chrono::seconds(10));
}

constexpr std::uint64_t kUseKept = 1024; ///< then both counts are halved: the past weighs less
constexpr std::uint64_t kUseEnough = 4;  ///< connections before a class's habit is believed

} // namespace

const char* answer_source_name(AnswerSource source) noexcept {
    return source == AnswerSource::desktop ? "desktop" : "resolver";
}

// ---- learning
// ---------------------------------------------------------------------------------------------------

void DestinationDirectory::learn(std::string_view name, bool is_v6,
                                 std::span<const IpAddress> addresses, std::uint32_t ttl_s,
                                 SteadyTime now, AnswerSource source) {
    const std::string key = normal_name(name);
    if (key.empty()) {
        return;
    }
    Addresses next;
    for (const IpAddress& a : addresses) {
        if (a.is_v4() != is_v6 && !has(next, a) && next.size() < kMostAddresses) {
            next.push_back(a);
        }
    }
    if (next.empty() && !addresses.empty()) {
        return; // only of the other family: says nothing about this one
    }
    if (names_.find(key) == names_.end()) {
        make_room();
    }
    Entry& entry = names_[key];
    Answer& answer = entry.of(is_v6);
    entry.touched = std::max(entry.touched, now);
    const bool kept = source == AnswerSource::resolver && answer.known &&
                      answer.source == AnswerSource::desktop &&
                      now + refresh_margin(answer.expires - answer.learned) < answer.expires;
    if (kept) {
        return;
    }
    if (source == AnswerSource::desktop || (!entry.by_desktop && entry.named_at == SteadyTime{})) {
        entry.named_at = now;
        entry.by_desktop = source == AnswerSource::desktop;
    }
    drop_left(key, entry, now);
    replace(key, entry, answer, std::move(next), now);
    answer.known = true;
    answer.source = source;
    answer.learned = now;
    answer.expires = now + std::clamp(std::chrono::seconds(ttl_s), kLeastTtl, kMostTtl);
}

void DestinationDirectory::learn(const dataplane::DnsLearned& report, SteadyTime now) {
    const std::string_view name(report.name.data(),
                                strnlen(report.name.data(), report.name.size()));
    const std::span<const IpAddress> all(
        report.addresses.data(), std::min<std::size_t>(report.count, report.addresses.size()));
    for (const bool is_v6 : {false, true}) {
        if (std::any_of(all.begin(), all.end(),
                        [&](const IpAddress& a) { return a.is_v4() != is_v6; })) {
            learn(name, is_v6, all, report.ttl_s, now, AnswerSource::desktop);
        }
    }
}

/// Puts the new list in the old one's place; what left keeps its name for a while.
void DestinationDirectory::replace(const std::string& name, Entry& entry, Answer& answer,
                                   Addresses next, SteadyTime now) {
    bool changed = false;
    for (const IpAddress& a : answer.addresses) {
        if (!has(next, a)) {
            changed = true;
            entry.left.emplace_back(a, now + kNamedAfterLeaving);
        }
    }
    for (const IpAddress& a : next) {
        if (has(answer.addresses, a)) {
            continue;
        }
        changed = true;
        by_address_[a].insert(name);
        const auto back = std::find_if(entry.left.begin(), entry.left.end(),
                                       [&](const auto& l) { return l.first == a; });
        if (back != entry.left.end()) { // it went and came again: the servers take turns
            entry.left.erase(back);
            entry.rotating_until = now + kNamedAfterLeaving;
        }
    }
    answer.addresses = std::move(next);
    if (changed) {
        ++version_;
    }
}

void DestinationDirectory::learn_from_flow(std::string_view name, const IpAddress& address,
                                           std::uint16_t port, SteadyTime now) {
    const std::string key = normal_name(name);
    if (key.empty() || key.find('.') == key.npos) {
        return;
    }
    if (flow_names_.size() >= most_names_ && !flow_names_.contains({address, port})) {
        const auto oldest = std::min_element(
            flow_names_.begin(), flow_names_.end(),
            [](const auto& a, const auto& b) { return a.second.at < b.second.at; });
        flow_names_.erase(oldest);
    }
    flow_names_[{address, port}] = FlowName{key, now};
}

void DestinationDirectory::note_use(std::uint16_t class_index, const IpAddress& address,
                                    std::uint16_t port, std::uint64_t connections) {
    const auto flow = flow_names_.find({address, port});
    const std::string* name =
        dns_name(address, port, flow == flow_names_.end() ? nullptr : &flow->second.name);
    if (name == nullptr || connections == 0) {
        return;
    }
    FamilyUse& use = use_[{*name, class_index}];
    (address.is_v4() ? use.v4 : use.v6) += connections;
    while (use.v4 + use.v6 > kUseKept) {
        use.v4 /= 2;
        use.v6 /= 2;
    }
}

// ---- forgetting
// -------------------------------------------------------------------------------------------------

void DestinationDirectory::unlink(const std::string& name, const IpAddress& address) {
    const auto found = by_address_.find(address);
    if (found != by_address_.end()) {
        found->second.erase(name);
        if (found->second.empty()) {
            by_address_.erase(found);
        }
    }
}

void DestinationDirectory::drop_left(const std::string& name, Entry& entry, SteadyTime now) {
    std::erase_if(entry.left, [&](const auto& left) {
        const bool over = left.second <= now;
        if (over && !has(entry.v4.addresses, left.first) && !has(entry.v6.addresses, left.first)) {
            unlink(name, left.first);
        }
        return over;
    });
    while (entry.left.size() > 2 * kMostAddresses) {
        unlink(name, entry.left.front().first);
        entry.left.erase(entry.left.begin());
    }
}

void DestinationDirectory::forget(const std::string& name) {
    const auto found = names_.find(name);
    Entry& entry = found->second;
    for (const Answer* answer : {&entry.v4, &entry.v6}) {
        for (const IpAddress& a : answer->addresses) {
            unlink(name, a);
        }
    }
    for (const auto& left : entry.left) {
        unlink(name, left.first);
    }
    use_.erase(use_.lower_bound({name, 0}), use_.upper_bound({name, 0xffff}));
    names_.erase(found);
    ++version_;
}

/// The names that have been of no use for longest go, a sixteenth at once.
void DestinationDirectory::make_room() {
    if (names_.size() < std::max<std::size_t>(most_names_, 1)) {
        return;
    }
    std::vector<std::pair<SteadyTime, std::string>> by_age;
    by_age.reserve(names_.size());
    for (const auto& [name, entry] : names_) {
        by_age.emplace_back(entry.touched, name);
    }
    const std::size_t go = std::max<std::size_t>(1, names_.size() / 16);
    std::nth_element(by_age.begin(), by_age.begin() + static_cast<std::ptrdiff_t>(go - 1),
                     by_age.end());
    for (std::size_t i = 0; i < go; ++i) {
        forget(by_age[i].second);
    }
}

void DestinationDirectory::expire(SteadyTime now) {
    std::vector<std::string> empty;
    for (auto& [name, entry] : names_) {
        for (Answer* answer : {&entry.v4, &entry.v6}) {
            if (answer->known && answer->expires + kStaleKept <= now) {
                replace(name, entry, *answer, {}, now);
                answer->known = false;
            }
        }
        drop_left(name, entry, now);
        if (!entry.v4.known && !entry.v6.known && entry.left.empty()) {
            empty.push_back(name);
        }
    }
    for (const std::string& name : empty) {
        forget(name);
    }
    std::erase_if(flow_names_,
                  [&](const auto& flow) { return flow.second.at + kFlowNameKept <= now; });
}

// ---- naming
// -----------------------------------------------------------------------------------------------------

const DestinationDirectory::Entry* DestinationDirectory::find(std::string_view name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? nullptr : &found->second;
}

const std::string* DestinationDirectory::dns_name(const IpAddress& address, std::uint16_t port,
                                                  const std::string* in_flow) const {
    const auto found = by_address_.find(address);
    if (found == by_address_.end()) {
        return nullptr;
    }
    const std::string* best = nullptr;
    std::tuple<bool, bool, bool, bool, SteadyTime> best_rank;
    for (const std::string& name : found->second) {
        const Entry& entry = names_.find(name)->second;
        const bool present = has(entry.v4.addresses, address) || has(entry.v6.addresses, address);
        const std::tuple rank{in_flow != nullptr && *in_flow == name, present,
                              interest_.contains({name, port}), entry.by_desktop, entry.named_at};
        if (best == nullptr || rank > best_rank) {
            best = &name;
            best_rank = rank;
        }
    }
    return best;
}

std::string DestinationDirectory::name_of(const IpAddress& address, std::uint16_t port) const {
    const auto flow = flow_names_.find({address, port});
    const std::string* in_flow = flow == flow_names_.end() ? nullptr : &flow->second.name;
    if (const std::string* name = dns_name(address, port, in_flow)) {
        return format_destination(*name, port);
    }
    return in_flow != nullptr ? format_destination(*in_flow, port)
                              : format_destination(address, port);
}

// ---- asking
// -----------------------------------------------------------------------------------------------------

Addresses DestinationDirectory::addresses_of(std::string_view destination) const {
    const auto parts = parse_destination(destination);
    if (!parts || parts->kind == DestinationParts::Kind::prefix) {
        return {};
    }
    if (parts->kind == DestinationParts::Kind::address) {
        return {parts->prefix.address};
    }
    const Entry* entry = find(parts->name);
    if (entry == nullptr) {
        return {};
    }
    Addresses all = entry->v4.addresses;
    all.insert(all.end(), entry->v6.addresses.begin(), entry->v6.addresses.end());
    return all;
}

bool DestinationDirectory::fresh(std::string_view name, SteadyTime now) const {
    const Entry* entry = find(normal_name(name));
    return entry != nullptr && ((!entry->v4.addresses.empty() && now < entry->v4.expires) ||
                                (!entry->v6.addresses.empty() && now < entry->v6.expires));
}

bool DestinationDirectory::has_left(std::string_view destination, const IpAddress& address,
                                    SteadyTime now) const {
    const auto parts = parse_destination(destination);
    const Entry* entry =
        parts && parts->kind == DestinationParts::Kind::name ? find(parts->name) : nullptr;
    if (entry == nullptr || now < entry->rotating_until) {
        return false;
    }
    const Answer& answer = entry->of(!address.is_v4());
    return answer.known && now < answer.expires && !has(answer.addresses, address);
}

std::vector<std::string>
DestinationDirectory::stale_names(std::span<const std::string> destinations, SteadyTime now) {
    interest_.clear();
    std::set<std::string> stale;
    for (const std::string& destination : destinations) {
        const auto parts = parse_destination(destination);
        if (!parts || parts->kind != DestinationParts::Kind::name) {
            continue;
        }
        const std::string name = normal_name(parts->name);
        interest_.emplace(name, parts->port);
        const auto found = names_.find(name);
        if (found == names_.end()) {
            stale.insert(name);
            continue;
        }
        found->second.touched = std::max(found->second.touched, now);
        for (const Answer* answer : {&found->second.v4, &found->second.v6}) {
            if (!answer->known ||
                now + refresh_margin(answer->expires - answer->learned) >= answer->expires) {
                stale.insert(name);
            }
        }
    }
    stale.erase(std::string());
    return {stale.begin(), stale.end()};
}

const DestinationDirectory::FamilyUse* DestinationDirectory::use_of(std::uint16_t class_index,
                                                                    const std::string& name) const {
    const auto found = use_.find({name, class_index});
    return found != use_.end() && found->second.v4 + found->second.v6 >= kUseEnough ? &found->second
                                                                                    : nullptr;
}

std::optional<Pick> DestinationDirectory::pick(std::string_view destination, const Desktop& desktop,
                                               GuestSystem guest, SteadyTime now) const {
    const auto parts = parse_destination(destination);
    if (!parts || parts->kind == DestinationParts::Kind::prefix) {
        return std::nullopt;
    }
    const auto from = [&](const IpAddress& server) -> std::optional<Pick> {
        const auto source = source_for(server, desktop.addresses);
        return source ? std::optional<Pick>{{server, *source}} : std::nullopt;
    };
    if (parts->kind == DestinationParts::Kind::address) {
        return from(parts->prefix.address);
    }
    const Entry* entry = find(parts->name);
    if (entry == nullptr) {
        return std::nullopt;
    }
    const auto first = [&](const Answer& a) -> std::optional<Pick> {
        const bool usable = a.known && !a.addresses.empty() && now < a.expires + kStaleKept;
        return usable ? from(a.addresses.front()) : std::nullopt;
    };
    const auto v4 = first(entry->v4);
    const auto v6 = first(entry->v6);
    if (!v4 || !v6) {
        return v4 ? v4 : v6;
    }
    if (const FamilyUse* use = use_of(desktop.class_index, parts->name);
        use != nullptr && use->v4 != use->v6) {
        return use->v6 > use->v4 ? v6 : v4;
    }
    return prefers_v6(v6->server, v6->source, guest) ? v6 : v4;
}

std::vector<DestinationView> DestinationDirectory::snapshot(SteadyTime now) const {
    std::vector<DestinationView> views;
    for (const auto& [name, entry] : names_) {
        for (const bool is_v6 : {false, true}) {
            const Answer& answer = entry.of(is_v6);
            if (answer.known) {
                const auto left =
                    std::chrono::floor<std::chrono::seconds>(answer.expires - now).count();
                views.push_back({name, is_v6, answer.addresses, left, answer.source,
                                 now < entry.rotating_until});
            }
        }
    }
    return views;
}

} // namespace foregate::control
