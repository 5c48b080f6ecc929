// SPDX-License-Identifier: BSD-3-Clause
// Host names against a list of names, by Hyperscan. Immutable after construction; a match needs a
// NameScratch that belongs to the calling thread alone.
//
// A gate answers for nearly all hosts that are not listed (name_gate.h); what it lets through is
// scanned by the part of the list that its last two labels fall into (name_shard.h), and by the
// names that came after that part was compiled. The gate changes no answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace foregate::dataplane {

struct NamePattern {
    std::string_view name; ///< normalised; read during construction only
    std::uint32_t value = 0;
    bool below_only = false; ///< matches what is below the name, not the name itself
};

class NameMatcher;
class PatternCache;

/// How a matcher comes to be. Nothing of it changes what it matches.
struct NameBuild {
    /// Parts that hold still are taken over from it: names that went are forgotten, names that came are compiled by
    /// themselves, and parts in which little is left are compiled anew. May be null.
    const NameMatcher* previous = nullptr;
    /// Calls its second argument with every number below the first, in any order or at once; empty: one after the other.
    std::function<void(std::size_t, const std::function<void(std::size_t)>&)> for_each;
    std::size_t most_in_one = 30'000; ///< names of a list that is compiled in one part
    std::size_t most_recent = 20'000; ///< names that came since their parts were compiled
};

/// The working memory of one thread for one matcher. Allocated for the matcher's database before
/// that is published, and never grown afterwards. Movable; may outlive the matcher.
class NameScratch {
public:
    /// Throws std::bad_alloc.
    explicit NameScratch(const NameMatcher& matcher);
    ~NameScratch();
    NameScratch(NameScratch&&) noexcept;
    NameScratch& operator=(NameScratch&&) noexcept;

    /// Scans that the engine refused (scratch used by two threads, wrong matcher); always 0 in
    /// order.
    [[nodiscard]] std::uint64_t failed_scans() const noexcept;

private:
    friend class NameMatcher;
    struct State;
    std::unique_ptr<State> state_;
};

class NameMatcher {
public:
    static constexpr std::uint32_t kNone = 0xffffffff;
    static constexpr std::size_t kMaxBurst = 32;

    /// An empty list: matches nothing.
    NameMatcher();
    /// Compiles the list (seconds for 100,000 names, half a minute for a million; not on a polling core). Of equal patterns the
    /// first wins; a below_only pattern wins over a whole one of the same name, for what is below.
    /// Throws std::invalid_argument for an empty or too long name or a value of kNone, and
    /// std::runtime_error with the engine's words when it does not compile.
    explicit NameMatcher(std::span<const NamePattern> patterns, const NameBuild& build = {});
    ~NameMatcher();
    NameMatcher(NameMatcher&&) noexcept;
    NameMatcher& operator=(NameMatcher&&) noexcept;

    /// The value of the longest listed name that is `host` or above it, or kNone. `host` is lower
    /// case without trailing dots (as in a NameBuffer), up to 253 bytes: longer ones match nothing.
    [[nodiscard]] std::uint32_t match(std::string_view host, NameScratch& scratch) const noexcept;

    /// The same for many hosts, whose misses of memory overlap up to kMaxBurst. `values` has room for
    /// as many as there are hosts.
    void match_burst(std::span<const std::string_view> hosts, std::span<std::uint32_t> values,
                     NameScratch& scratch) const noexcept;

    /// Distinct listed names.
    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

    /// Parts that were compiled for this matcher, not taken over.
    [[nodiscard]] std::size_t compiled_parts() const noexcept;
    /// Keeps all parts in the cache, whose older entries go. stored() in a later process gives a matcher that matches nothing
    /// and has these parts to be taken over, as NameBuild::previous; one without any where there are none.
    void store(PatternCache& cache) const;
    [[nodiscard]] static NameMatcher stored(PatternCache& cache);
    /// Of a cache: room for two lists.
    static constexpr std::size_t kMostStored = 160;

private:
    friend class NameScratch;
    void scan(std::string_view host, std::uint64_t registered, std::uint32_t& value, NameScratch& scratch) const noexcept;

    struct State;
    std::unique_ptr<State> state_; ///< never null but after a move
};

} // namespace foregate::dataplane
