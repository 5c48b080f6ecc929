// SPDX-License-Identifier: BSD-3-Clause
// A list of names in parts, and how the next list takes over what has not changed. Inside threat/ only; control core.
#pragma once

#include "dataplane/threat/name_matcher.h"
#include "dataplane/threat/name_shard.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace foregate::dataplane {

/// What one literal stands for in a list; kNone twice: the name has gone from it.
struct Listed {
    std::uint32_t whole = NameMatcher::kNone; ///< when the host is the name itself
    std::uint32_t below = NameMatcher::kNone; ///< when the host is below it
};

struct NamePart {
    std::shared_ptr<const NameShard> shard; ///< null: no names
    std::vector<Listed> listed;             ///< by literal id
};

/// A part for names of one label, `hashed` parts by the last two labels, and one for names that came since those were compiled.
class NameParts {
public:
    static constexpr std::size_t kHashed = 64; ///< of a long list

    NameParts() = default;
    /// Of equal patterns the first wins. `previous` may be null. Calls `build.for_each` for what may be done at once.
    NameParts(std::span<const NamePattern> patterns, const NameParts* previous, const NameBuild& build);

    /// The part that `registered` (NameGate's) falls into.
    [[nodiscard]] const NamePart& of(std::uint64_t registered) const noexcept { return parts_[place_of(registered)]; }
    [[nodiscard]] const NamePart& short_names() const noexcept { return parts_.front(); }
    [[nodiscard]] const NamePart& recent() const noexcept { return parts_.back(); }

    [[nodiscard]] const std::vector<NamePart>& all() const noexcept { return parts_; }
    /// Parts as they were stored; nothing is listed in them.
    explicit NameParts(std::vector<NamePart> stored) : parts_(std::move(stored)) {}
    [[nodiscard]] std::size_t compiled() const noexcept { return compiled_; }
    /// Distinct names that are listed.
    [[nodiscard]] std::size_t names() const noexcept { return names_; }

private:
    struct Group; ///< the names that fall into one part

    [[nodiscard]] std::size_t hashed() const noexcept { return parts_.size() - 2; }
    [[nodiscard]] std::size_t place_of(std::uint64_t registered) const noexcept {
        return registered == 0 ? 0 : 1 + registered % hashed();
    }
    void take_over(std::vector<Group>& groups, const NameParts& previous, std::size_t most_recent);
    void compare(Group& group, std::size_t at, const NameParts& previous);
    void gather_recent(std::vector<Group>& groups);
    void compile(const std::vector<Group>& groups, const NameParts* previous, const NameBuild& build);

    std::vector<NamePart> parts_{3}; ///< short names, hashed ones, recent ones
    std::size_t compiled_ = 0;
    std::size_t names_ = 0;
};

} // namespace foregate::dataplane
