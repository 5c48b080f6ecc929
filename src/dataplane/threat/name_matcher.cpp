// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/threat/name_matcher.h"

#include <hs.h>

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>
#include <string>
#include <unordered_map>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kMaxHostBytes = 253;
constexpr std::size_t kMaxRecordBytes = kMaxHostBytes + 2;

/// "\n" + reversed name + "."
char* append_record(char* to, std::string_view name) noexcept {
    *to++ = '\n';
    to = std::reverse_copy(name.begin(), name.end(), to);
    *to++ = '.';
    return to;
}

/// What one literal stands for.
struct Listed {
    std::uint32_t whole = NameMatcher::kNone; ///< when the host is the name itself
    std::uint32_t below = NameMatcher::kNone; ///< when the host is below it
};

struct DatabaseDeleter {
    void operator()(hs_database_t* database) const noexcept { hs_free_database(database); }
};
struct ScratchDeleter {
    void operator()(hs_scratch_t* scratch) const noexcept { hs_free_scratch(scratch); }
};

} // namespace

struct NameMatcher::State {
    std::unique_ptr<hs_database_t, DatabaseDeleter> database; ///< null for an empty list
    std::vector<Listed> listed;                               ///< by literal id
};

struct NameScratch::State {
    std::unique_ptr<hs_scratch_t, ScratchDeleter> scratch;
    std::array<char, NameMatcher::kMaxBurst * kMaxRecordBytes> text;
    std::uint64_t failed_scans = 0;
};

namespace {

/// What the engine's callback needs to attribute a match to a host of the burst.
struct BurstContext {
    const std::vector<Listed>* listed = nullptr;
    std::size_t count = 0;
    std::array<std::uint32_t, NameMatcher::kMaxBurst> ends{};    ///< offset behind each record
    std::array<std::uint32_t, NameMatcher::kMaxBurst> longest{}; ///< end of the best match so far
    std::uint32_t* values = nullptr;
};

int on_match(unsigned id, unsigned long long /*from*/, unsigned long long to, unsigned /*flags*/,
             void* opaque) noexcept {
    auto& context = *static_cast<BurstContext*>(opaque);
    const auto end = static_cast<std::uint32_t>(to);
    const auto* ends = context.ends.data();
    const auto host =
        static_cast<std::size_t>(std::lower_bound(ends, ends + context.count, end) - ends);
    const Listed& listed = (*context.listed)[id];
    const std::uint32_t value = end == ends[host] ? listed.whole : listed.below;
    if (value != NameMatcher::kNone && end > context.longest[host]) {
        context.longest[host] = end;
        context.values[host] = value;
    }
    return 0;
}

void check_pattern(const NamePattern& pattern) {
    if (pattern.value == NameMatcher::kNone) {
        throw std::invalid_argument("name matcher: the value 0xffffffff means \"none\"");
    }
    if (pattern.name.empty() || pattern.name.size() > kMaxHostBytes) {
        throw std::invalid_argument("name matcher: a name has 1 to 253 bytes, not " +
                                    std::to_string(pattern.name.size()));
    }
    if (pattern.name.find('\n') != std::string_view::npos) {
        throw std::invalid_argument("name matcher: a name must not contain a line feed");
    }
}

/// Merges patterns of one name; `names` gets the distinct ones in order of appearance.
std::vector<Listed> merge_patterns(std::span<const NamePattern> patterns,
                                   std::vector<std::string_view>& names) {
    struct Merged {
        std::uint32_t whole = NameMatcher::kNone;
        std::uint32_t below_only = NameMatcher::kNone;
    };
    std::vector<Merged> merged;
    std::unordered_map<std::string_view, std::size_t> index;
    for (const NamePattern& pattern : patterns) {
        check_pattern(pattern);
        const auto [at, fresh] = index.try_emplace(pattern.name, merged.size());
        if (fresh) {
            names.push_back(pattern.name);
            merged.emplace_back();
        }
        Merged& slot = merged[at->second];
        std::uint32_t& value = pattern.below_only ? slot.below_only : slot.whole;
        value = value == NameMatcher::kNone ? pattern.value : value;
    }
    std::vector<Listed> listed(merged.size());
    for (std::size_t i = 0; i < merged.size(); ++i) {
        const bool own_below = merged[i].below_only != NameMatcher::kNone;
        listed[i] = {merged[i].whole, own_below ? merged[i].below_only : merged[i].whole};
    }
    return listed;
}

hs_database_t* compile(const std::vector<std::string_view>& names) {
    std::size_t bytes = 0;
    for (const std::string_view name : names) {
        bytes += name.size() + 2;
    }
    std::string text(bytes, '\0');
    std::vector<const char*> literals(names.size());
    std::vector<std::size_t> lengths(names.size());
    std::vector<unsigned> ids(names.size());
    const std::vector<unsigned> flags(names.size(), 0);
    char* at = text.data();
    for (std::size_t i = 0; i < names.size(); ++i) {
        literals[i] = at;
        lengths[i] = names[i].size() + 2;
        ids[i] = static_cast<unsigned>(i);
        at = append_record(at, names[i]);
    }
    hs_database_t* database = nullptr;
    hs_compile_error_t* error = nullptr;
    // No HS_FLAG_SINGLEMATCH: it reports a name once a scan, so the second host of a burst is lost.
    if (hs_compile_lit_multi(literals.data(), flags.data(), ids.data(), lengths.data(),
                             static_cast<unsigned>(names.size()), HS_MODE_BLOCK, nullptr, &database,
                             &error) != HS_SUCCESS) {
        const std::string why = error != nullptr ? error->message : "no reason given";
        hs_free_compile_error(error);
        throw std::runtime_error("name matcher: cannot compile " + std::to_string(names.size()) +
                                 " names: " + why);
    }
    return database;
}

} // namespace

NameMatcher::NameMatcher() : state_(std::make_unique<State>()) {}

NameMatcher::NameMatcher(std::span<const NamePattern> patterns) : NameMatcher() {
    std::vector<std::string_view> names;
    state_->listed = merge_patterns(patterns, names);
    if (!names.empty()) {
        state_->database.reset(compile(names));
    }
}

NameMatcher::~NameMatcher() = default;
NameMatcher::NameMatcher(NameMatcher&&) noexcept = default;
NameMatcher& NameMatcher::operator=(NameMatcher&&) noexcept = default;

std::size_t NameMatcher::size() const noexcept {
    return state_->listed.size();
}

std::size_t NameMatcher::memory_bytes() const noexcept {
    std::size_t bytes = 0;
    if (state_->database) {
        hs_database_size(state_->database.get(), &bytes);
    }
    return bytes + state_->listed.size() * sizeof(Listed);
}

std::uint32_t NameMatcher::match(std::string_view host, NameScratch& scratch) const noexcept {
    std::uint32_t value = kNone;
    match_burst({&host, 1}, {&value, 1}, scratch);
    return value;
}

void NameMatcher::match_burst(std::span<const std::string_view> hosts,
                              std::span<std::uint32_t> values,
                              NameScratch& scratch) const noexcept {
    std::fill(values.begin(), values.end(), kNone);
    if (!state_->database) {
        return;
    }
    const std::size_t total = std::min(hosts.size(), values.size());
    NameScratch::State& work = *scratch.state_;
    for (std::size_t first = 0; first < total; first += kMaxBurst) {
        BurstContext context;
        context.listed = &state_->listed;
        context.count = std::min(kMaxBurst, total - first);
        context.values = values.data() + first;
        char* at = work.text.data();
        for (std::size_t i = 0; i < context.count; ++i) {
            const std::string_view host = hosts[first + i];
            at = append_record(at, host.size() <= kMaxHostBytes ? host : std::string_view());
            context.ends[i] = static_cast<std::uint32_t>(at - work.text.data());
        }
        const hs_error_t result =
            hs_scan(state_->database.get(), work.text.data(), context.ends[context.count - 1], 0,
                    work.scratch.get(), on_match, &context);
        if (result != HS_SUCCESS) {
            ++work.failed_scans;
        }
    }
}

NameScratch::NameScratch(const NameMatcher& matcher) : state_(std::make_unique<State>()) {
    if (!matcher.state_->database) {
        return;
    }
    hs_scratch_t* scratch = nullptr;
    if (hs_alloc_scratch(matcher.state_->database.get(), &scratch) != HS_SUCCESS) {
        throw std::bad_alloc();
    }
    state_->scratch.reset(scratch);
}

NameScratch::~NameScratch() = default;
NameScratch::NameScratch(NameScratch&&) noexcept = default;
NameScratch& NameScratch::operator=(NameScratch&&) noexcept = default;

std::uint64_t NameScratch::failed_scans() const noexcept {
    return state_->failed_scans;
}

} // namespace foregate::dataplane
