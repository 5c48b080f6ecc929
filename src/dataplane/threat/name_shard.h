// SPDX-License-Identifier: BSD-3-Clause
// A part of a list of names, compiled. Immutable: matchers that have the same part share it, so that a list of which a few
// names have changed is not compiled anew.
//
// A listed name is the literal "\nelpmaxe.live.", a host `www.evil.example` the text "\nelpmaxe.live.www.": the line feed
// anchors at the host's end, the last dot is a label boundary or the host's own end. Reversed, the engine's key bytes are
// the registered name and not ".com".
#pragma once

#include "dataplane/patterns/pattern_cache.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct hs_database;
struct hs_scratch;

namespace foregate::dataplane {

inline constexpr std::size_t kMostHostBytes = 253;

/// "\n" + reversed name + "."; returns what is behind it. `to` has room for two bytes more than the name.
char* append_name_record(char* to, std::string_view name) noexcept;

class NameShard {
public:
    /// Compiles: seconds for 100,000 names. `names` are distinct, sorted, normalised and not empty. Throws std::runtime_error
    /// with the engine's words when they do not compile.
    explicit NameShard(std::span<const std::string_view> names);
    NameShard(const NameShard&) = delete;
    NameShard& operator=(const NameShard&) = delete;

    /// From a cache; null when it has none of that key or Hyperscan does not take it.
    [[nodiscard]] static std::shared_ptr<const NameShard> load(const Sha256& key, PatternCache& cache);
    void save(PatternCache& cache) const;
    /// Follows from the names, Hyperscan's version and the processor; nothing where that cannot be told.
    [[nodiscard]] const std::optional<Sha256>& key() const noexcept { return key_; }

    /// Literal `id` of the database is name(id); ids are dense, in the order of the names.
    [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
    [[nodiscard]] std::string_view name(std::size_t id) const noexcept;
    [[nodiscard]] bool holds(std::span<const std::string_view> names) const noexcept;

    [[nodiscard]] const hs_database* database() const noexcept { return database_.get(); }
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    struct Free {
        void operator()(hs_database* database) const noexcept;
    };
    NameShard() = default;
    [[nodiscard]] bool take_names(std::string text);

    std::string text_;                ///< the names, each with a line feed behind it
    std::vector<std::uint32_t> ends_; ///< of each name, at its line feed
    std::unique_ptr<hs_database, Free> database_;
    std::optional<Sha256> key_;
};

} // namespace foregate::dataplane
