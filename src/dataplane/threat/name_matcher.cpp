// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/threat/name_matcher.h"

#include "dataplane/threat/name_gate.h"
#include "dataplane/threat/name_parts.h"

#include <hs.h>

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>
#include <string>

namespace foregate::dataplane {

namespace {

struct ScratchDeleter {
    void operator()(hs_scratch_t* scratch) const noexcept { hs_free_scratch(scratch); }
};

} // namespace

struct NameMatcher::State {
    NameGate gate;
    NameParts parts;
};

struct NameScratch::State {
    std::unique_ptr<hs_scratch_t, ScratchDeleter> scratch; ///< fits every part
    std::array<char, kMostHostBytes + 2> text;
    std::uint64_t failed_scans = 0;
};

namespace {

/// What the engine's callback needs to know of a scan.
struct ScanContext {
    const Listed* listed = nullptr; ///< by literal id
    std::uint32_t end = 0;          ///< offset behind the host's record
    std::uint32_t longest = 0;      ///< end of the best match so far
    std::uint32_t value = NameMatcher::kNone;
};

int on_match(unsigned id, unsigned long long /*from*/, unsigned long long to, unsigned /*flags*/, void* opaque) noexcept {
    auto& context = *static_cast<ScanContext*>(opaque);
    const auto end = static_cast<std::uint32_t>(to);
    const Listed& listed = context.listed[id];
    const std::uint32_t value = end == context.end ? listed.whole : listed.below;
    if (value != NameMatcher::kNone && end > context.longest) {
        context.longest = end;
        context.value = value;
    }
    return 0;
}

void check_pattern(const NamePattern& pattern) {
    if (pattern.value == NameMatcher::kNone) {
        throw std::invalid_argument("name matcher: the value 0xffffffff means \"none\"");
    }
    if (pattern.name.empty() || pattern.name.size() > kMostHostBytes) {
        throw std::invalid_argument("name matcher: a name has 1 to 253 bytes, not " + std::to_string(pattern.name.size()));
    }
    if (pattern.name.find('\n') != std::string_view::npos) {
        throw std::invalid_argument("name matcher: a name must not contain a line feed");
    }
}

} // namespace

NameMatcher::NameMatcher() : state_(std::make_unique<State>()) {}

NameMatcher::NameMatcher(std::span<const NamePattern> patterns, const NameBuild& build) : NameMatcher() {
    std::for_each(patterns.begin(), patterns.end(), &check_pattern);
    const NameParts* previous = build.previous != nullptr ? &build.previous->state_->parts : nullptr;
    state_->parts = NameParts(patterns, previous, build);
    if (!patterns.empty()) {
        state_->gate = NameGate(state_->parts.names());
        for (const NamePattern& pattern : patterns) {
            state_->gate.add(pattern.name);
        }
    }
}

NameMatcher::~NameMatcher() = default;
NameMatcher::NameMatcher(NameMatcher&&) noexcept = default;
NameMatcher& NameMatcher::operator=(NameMatcher&&) noexcept = default;

std::size_t NameMatcher::size() const noexcept { return state_->parts.names(); }

std::size_t NameMatcher::compiled_parts() const noexcept { return state_->parts.compiled(); }

std::size_t NameMatcher::memory_bytes() const noexcept {
    std::size_t bytes = state_->gate.memory_bytes();
    for (const NamePart& part : state_->parts.all()) {
        bytes += part.listed.size() * sizeof(Listed) + (part.shard != nullptr ? part.shard->memory_bytes() : 0);
    }
    return bytes;
}

std::uint32_t NameMatcher::match(std::string_view host, NameScratch& scratch) const noexcept {
    std::uint32_t value = kNone;
    match_burst({&host, 1}, {&value, 1}, scratch);
    return value;
}

void NameMatcher::match_burst(std::span<const std::string_view> hosts, std::span<std::uint32_t> values,
                              NameScratch& scratch) const noexcept {
    std::fill(values.begin(), values.end(), kNone);
    const std::size_t total = std::min(hosts.size(), values.size());
    std::array<HostLook, kMaxBurst> looks;
    for (std::size_t first = 0; first < total; first += kMaxBurst) {
        const std::size_t count = std::min(kMaxBurst, total - first);
        for (std::size_t i = 0; i < count; ++i) {
            const std::string_view host = hosts[first + i];
            looks[i] = state_->gate.look(host.size() <= kMostHostBytes ? host : std::string_view());
        }
        for (std::size_t i = 0; i < count; ++i) {
            if (state_->gate.passes(looks[i])) [[unlikely]] {
                scan(hosts[first + i], looks[i].registered, values[first + i], scratch);
            }
        }
    }
}

/// Whichever part has the longest match: the same name is listed in one of them only.
void NameMatcher::scan(std::string_view host, std::uint64_t registered, std::uint32_t& value,
                       NameScratch& scratch) const noexcept {
    NameScratch::State& work = *scratch.state_;
    const auto length = static_cast<unsigned>(append_name_record(work.text.data(), host) - work.text.data());
    ScanContext context;
    context.end = length;
    const NameParts& parts = state_->parts;
    const NamePart* hashed = registered != 0 ? &parts.of(registered) : nullptr;
    for (const NamePart* part : {hashed, &parts.recent(), &parts.short_names()}) {
        if (part == nullptr || part->shard == nullptr) {
            continue;
        }
        context.listed = part->listed.data();
        if (hs_scan(part->shard->database(), work.text.data(), length, 0, work.scratch.get(), on_match, &context) !=
            HS_SUCCESS) {
            ++work.failed_scans;
        }
    }
    value = context.value;
}

namespace {

/// Where a cache says which parts it has: three or more keys of 32 bytes, all zeros for a part without names.
std::optional<Sha256> index_key() {
    Sha256Sum sum;
    sum.add("index of names 1");
    sum.add(hs_version());
    return sum.take();
}

} // namespace

void NameMatcher::store(PatternCache& cache) const {
    const std::optional<Sha256> key = index_key();
    std::vector<std::uint8_t> index;
    for (const NamePart& part : state_->parts.all()) {
        const Sha256 own = part.shard != nullptr ? part.shard->key().value_or(Sha256{}) : Sha256{};
        index.insert(index.end(), own.begin(), own.end());
        if (part.shard != nullptr && part.shard->key() && !cache.touch(own)) {
            part.shard->save(cache);
        }
    }
    if (key) {
        cache.save(*key, index);
        cache.tidy();
    }
}

NameMatcher NameMatcher::stored(PatternCache& cache) {
    NameMatcher matcher;
    const std::optional<Sha256> key = index_key();
    const auto index = key ? cache.load(*key) : std::nullopt;
    const std::size_t count = index ? index->size() / sizeof(Sha256) : 0;
    if (count != 3 && count != NameParts::kHashed + 2) {
        return matcher;
    }
    std::vector<NamePart> parts(count);
    for (std::size_t i = 0; i < count; ++i) {
        Sha256 own;
        std::copy_n(index->data() + i * own.size(), own.size(), own.begin());
        if (own != Sha256{}) {
            parts[i].shard = NameShard::load(own, cache);
            parts[i].listed.resize(parts[i].shard != nullptr ? parts[i].shard->size() : 0);
        }
    }
    matcher.state_->parts = NameParts(std::move(parts));
    return matcher;
}

NameScratch::NameScratch(const NameMatcher& matcher) : state_(std::make_unique<State>()) {
    hs_scratch_t* scratch = nullptr;
    for (const NamePart& part : matcher.state_->parts.all()) {
        if (part.shard != nullptr && hs_alloc_scratch(part.shard->database(), &scratch) != HS_SUCCESS) {
            hs_free_scratch(scratch);
            throw std::bad_alloc();
        }
    }
    state_->scratch.reset(scratch);
}

NameScratch::~NameScratch() = default;
NameScratch::NameScratch(NameScratch&&) noexcept = default;
NameScratch& NameScratch::operator=(NameScratch&&) noexcept = default;

std::uint64_t NameScratch::failed_scans() const noexcept { return state_->failed_scans; }

} // namespace foregate::dataplane
