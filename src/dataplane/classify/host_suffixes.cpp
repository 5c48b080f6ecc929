// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/host_suffixes.h"

#include <algorithm>
#include <bit>

namespace foregate::dataplane {

void HostSuffixes::add(std::string name, std::uint16_t value) {
    const auto same = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == name; });
    if (same != entries_.end()) {
        same->value = value;
        return;
    }
    Entry entry;
    entry.hash = kStart;
    for (auto c = name.rbegin(); c != name.rend(); ++c) {
        entry.hash = (entry.hash ^ static_cast<unsigned char>(*c)) * kFactor;
    }
    entry.name = std::move(name);
    entry.value = value;
    entries_.push_back(std::move(entry));
}

void HostSuffixes::freeze() {
    places_.assign(std::bit_ceil(entries_.size() * 2 + 2), 0);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        std::size_t place = entries_[i].hash & (places_.size() - 1);
        while (places_[place] != 0) {
            place = (place + 1) & (places_.size() - 1);
        }
        places_[place] = static_cast<std::uint32_t>(i + 1);
    }
}

const HostSuffixes::Entry* HostSuffixes::at(std::uint64_t hash, std::string_view name) const noexcept {
    for (std::size_t place = hash & (places_.size() - 1); places_[place] != 0;
         place = (place + 1) & (places_.size() - 1)) {
        const Entry& entry = entries_[places_[place] - 1];
        if (entry.hash == hash && entry.name == name) {
            return &entry;
        }
    }
    return nullptr;
}

std::uint16_t HostSuffixes::find(std::string_view host, std::size_t& length) const noexcept {
    length = 0;
    std::uint16_t value = 0;
    if (places_.empty()) {
        return value;
    }
    std::uint64_t hash = kStart;
    int labels = 0;
    for (std::size_t left = host.size(); left > 0 && labels < kMostLabels; --left) {
        const char c = host[left - 1];
        hash = (hash ^ static_cast<unsigned char>(c)) * kFactor;
        if (left != 1 && host[left - 2] != '.') {
            continue;
        }
        ++labels;
        const std::string_view suffix = host.substr(left - 1);
        if (const Entry* entry = at(hash, suffix)) {
            value = entry->value;
            length = suffix.size();
        }
    }
    return value;
}

} // namespace foregate::dataplane
