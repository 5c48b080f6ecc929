// SPDX-License-Identifier: BSD-3-Clause
#include "bench/threat_lists.h"

#include "dataplane/threat/name_shard.h"

#include <hs.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>
#include <stdexcept>
#include <unordered_set>

namespace foregate::bench {

using namespace dataplane;

namespace {

constexpr std::array kEndings{"com", "com", "com", "net", "org", "info", "ru", "xyz", "top", "com.br", "co.uk", "cn"};

std::string made_name(std::mt19937& random) {
    std::uniform_int_distribution<int> letter('a', 'z');
    const auto label = [&](unsigned least, unsigned most) {
        std::string out;
        for (unsigned left = std::uniform_int_distribution<unsigned>(least, most)(random); left > 0; --left) {
            out += static_cast<char>(letter(random));
        }
        return out;
    };
    std::string name = random() % 3 == 0 ? label(2, 10) + '.' : std::string();
    return name + label(5, 16) + '.' + kEndings[random() % kEndings.size()];
}

} // namespace

std::vector<std::string> listed_names(std::uint32_t count, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::unordered_set<std::string> distinct;
    std::vector<std::string> names;
    while (names.size() < count) {
        if (auto [at, fresh] = distinct.insert(made_name(random)); fresh) {
            names.push_back(*at);
        }
    }
    return names;
}

Hosts::Hosts(const std::vector<std::string>& hosts) {
    for (const std::string& host : hosts) {
        text_ += host;
    }
    std::size_t at = 0;
    for (const std::string& host : hosts) {
        hosts_.push_back(std::string_view(text_).substr(at, host.size()));
        at += host.size();
    }
}

std::vector<std::string> hosts_below(const std::vector<std::string>& names, std::uint32_t count) {
    std::mt19937 random(11);
    std::vector<std::string> hosts;
    while (hosts.size() < count) {
        const std::string& name = names[random() % names.size()];
        hosts.push_back(random() % 2 == 0 ? name : "www." + name);
    }
    return hosts;
}

std::vector<std::string> hosts_beside(std::uint32_t count) {
    std::mt19937 random(99);
    std::vector<std::string> hosts;
    while (hosts.size() < count) {
        hosts.push_back("cdn-" + std::to_string(random() % 100) + '.' + made_name(random));
    }
    return hosts;
}

NameMatcher matcher_of(const std::vector<std::string>& names, const NameBuild& build) {
    std::vector<NamePattern> patterns;
    patterns.reserve(names.size());
    for (const std::string& name : names) {
        patterns.push_back({name, static_cast<std::uint32_t>(patterns.size())});
    }
    return NameMatcher(patterns, build);
}

bool SuffixSet::holds(std::string_view host) const {
    for (;;) {
        if (names_.contains(host)) {
            return true;
        }
        const std::size_t dot = host.find('.');
        if (dot == std::string_view::npos) {
            return false;
        }
        host.remove_prefix(dot + 1);
    }
}

PlainHyperscan::PlainHyperscan(const std::vector<std::string>& names) {
    std::vector<std::string> texts;
    std::vector<const char*> literals;
    std::vector<std::size_t> lengths;
    for (const std::string& name : names) {
        std::string& text = texts.emplace_back(name.size() + 2, '\0');
        append_name_record(text.data(), name);
    }
    for (const std::string& text : texts) {
        literals.push_back(text.data());
        lengths.push_back(text.size());
    }
    const std::vector<unsigned> flags(texts.size(), 0);
    std::vector<unsigned> ids(texts.size());
    std::iota(ids.begin(), ids.end(), 0U);
    hs_compile_error_t* error = nullptr;
    if (hs_compile_lit_multi(literals.data(), flags.data(), ids.data(), lengths.data(), static_cast<unsigned>(texts.size()),
                             HS_MODE_BLOCK, nullptr, &database_, &error) != HS_SUCCESS ||
        hs_alloc_scratch(database_, &scratch_) != HS_SUCCESS) {
        hs_free_compile_error(error);
        throw std::runtime_error("plain Hyperscan: the list does not compile");
    }
}

PlainHyperscan::~PlainHyperscan() {
    hs_free_scratch(scratch_);
    hs_free_database(database_);
}

bool PlainHyperscan::holds(std::string_view host) {
    std::array<char, kMostHostBytes + 2> text;
    const auto length = static_cast<unsigned>(append_name_record(text.data(), host.substr(0, kMostHostBytes)) - text.data());
    bool found = false;
    const auto note = [](unsigned, unsigned long long, unsigned long long, unsigned, void* to) {
        *static_cast<bool*>(to) = true;
        return 1;
    };
    (void)hs_scan(database_, text.data(), length, 0, scratch_, note, &found);
    return found;
}

} // namespace foregate::bench
