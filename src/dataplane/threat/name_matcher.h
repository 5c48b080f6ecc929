// SPDX-License-Identifier: BSD-3-Clause
// Host names against a list of names, by Hyperscan. Immutable after construction; a match needs a
// NameScratch that belongs to the calling thread alone.
//
// A host `www.evil.example` becomes the text "\nelpmaxe.live.www." and a listed name the literal
// "\nelpmaxe.live.": the line feed anchors at the host's end, the last dot is a label boundary or
// the host's own end. Reversed, the engine's key bytes are the registered name and not ".com".
#pragma once

#include <cstddef>
#include <cstdint>
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
    /// Compiles the list (seconds for 100,000 names; not on a polling core). Of equal patterns the
    /// first wins; a below_only pattern wins over a whole one of the same name, for what is below.
    /// Throws std::invalid_argument for an empty or too long name or a value of kNone, and
    /// std::runtime_error with the engine's words when it does not compile.
    explicit NameMatcher(std::span<const NamePattern> patterns);
    ~NameMatcher();
    NameMatcher(NameMatcher&&) noexcept;
    NameMatcher& operator=(NameMatcher&&) noexcept;

    /// The value of the longest listed name that is `host` or above it, or kNone. `host` is lower
    /// case without trailing dots (as in a NameBuffer), up to 253 bytes: longer ones match nothing.
    [[nodiscard]] std::uint32_t match(std::string_view host, NameScratch& scratch) const noexcept;

    /// The same for up to kMaxBurst hosts in one scan, several times faster a host. `values` has
    /// room for as many as there are hosts; of a larger burst the rest is scanned in further turns.
    void match_burst(std::span<const std::string_view> hosts, std::span<std::uint32_t> values,
                     NameScratch& scratch) const noexcept;

    /// Distinct listed names.
    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    friend class NameScratch;
    struct State;
    std::unique_ptr<State> state_; ///< never null but after a move
};

} // namespace foregate::dataplane
