// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/threat/name_parts.h"

#include "dataplane/threat/name_gate.h"

#include <algorithm>

namespace foregate::dataplane {

namespace {

struct ListedName {
    std::string_view name;
    Listed listed;
};

} // namespace

/// The names that fall into one part, distinct and in order.
struct NameParts::Group {
    std::vector<std::uint32_t> patterns; ///< numbers, in the order in which they were given
    std::vector<ListedName> members;
    bool anew = true;                    ///< to be compiled; else the old part stands, and `came` are missing in it
    std::vector<ListedName> came;
};

namespace {

using Work = std::function<void(std::size_t)>;

void for_each(const NameBuild& build, std::size_t count, const Work& work) {
    if (build.for_each) {
        build.for_each(count, work);
        return;
    }
    for (std::size_t i = 0; i < count; ++i) {
        work(i);
    }
}

std::vector<std::string_view> texts_of(const std::vector<ListedName>& members) {
    std::vector<std::string_view> texts;
    texts.reserve(members.size());
    for (const ListedName& member : members) {
        texts.push_back(member.name);
    }
    return texts;
}

std::vector<Listed> listed_of(const std::vector<ListedName>& members) {
    std::vector<Listed> listed;
    listed.reserve(members.size());
    for (const ListedName& member : members) {
        listed.push_back(member.listed);
    }
    return listed;
}

std::size_t parts_for(std::size_t patterns, const NameParts* previous, const NameBuild& build) {
    const bool was_long = previous != nullptr && previous->all().size() > 3;
    return patterns > (was_long ? build.most_in_one / 2 : build.most_in_one) ? NameParts::kHashed : 1;
}

bool by_name(const ListedName& a, const ListedName& b) noexcept { return a.name < b.name; }

/// Sorted, patterns of one name as one; what is below a name is a below_only pattern's first, then the whole one's.
std::vector<ListedName> merged(const std::vector<std::uint32_t>& numbers, std::span<const NamePattern> patterns) {
    std::vector<std::uint32_t> order = numbers;
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        const int names = patterns[a].name.compare(patterns[b].name);
        return names != 0 ? names < 0 : a < b;
    });
    std::vector<ListedName> out;
    out.reserve(order.size());
    for (const std::uint32_t number : order) {
        const NamePattern& pattern = patterns[number];
        if (out.empty() || out.back().name != pattern.name) {
            out.push_back({pattern.name, {}});
        }
        Listed& listed = out.back().listed;
        std::uint32_t& value = pattern.below_only ? listed.below : listed.whole;
        value = value == NameMatcher::kNone ? pattern.value : value;
    }
    for (ListedName& name : out) {
        name.listed.below = name.listed.below != NameMatcher::kNone ? name.listed.below : name.listed.whole;
    }
    return out;
}

} // namespace

NameParts::NameParts(std::span<const NamePattern> patterns, const NameParts* previous, const NameBuild& build)
    : parts_(2 + parts_for(patterns.size(), previous, build)) {
    std::vector<Group> groups(parts_.size() - 1);
    for (std::uint32_t i = 0; i < patterns.size(); ++i) {
        groups[place_of(NameGate::registered_of(patterns[i].name))].patterns.push_back(i);
    }
    const bool same_layout = previous != nullptr && previous->parts_.size() == parts_.size();
    for_each(build, groups.size(), [&](std::size_t at) {
        groups[at].members = merged(groups[at].patterns, patterns);
        if (same_layout) {
            compare(groups[at], at, *previous);
        }
    });
    for (const Group& group : groups) {
        names_ += group.members.size();
    }
    if (same_layout) {
        take_over(groups, *previous, build.most_recent);
    }
    gather_recent(groups);
    compile(groups, previous, build);
    for (std::size_t at = 0; at < groups.size(); ++at) {
        if (groups[at].anew) {
            parts_[at].listed = listed_of(groups[at].members);
        }
    }
}

/// Goes along the old part's names and the new ones, both in order.
void NameParts::compare(Group& group, std::size_t at, const NameParts& previous) {
    const NameShard* old = previous.parts_[at].shard.get();
    if (old == nullptr) {
        group.anew = false;
        group.came = group.members;
        return;
    }
    std::vector<Listed> taken(old->size());
    std::size_t stayed = 0;
    std::size_t id = 0;
    for (const ListedName& member : group.members) {
        while (id < old->size() && old->name(id) < member.name) {
            ++id;
        }
        if (id < old->size() && old->name(id) == member.name) {
            taken[id] = member.listed;
            ++stayed;
        } else {
            group.came.push_back(member);
        }
    }
    group.anew = stayed * 2 < old->size();
    parts_[at].listed = std::move(taken);
}

/// Chooses which parts are compiled anew so that few enough names are left over.
void NameParts::take_over(std::vector<Group>& groups, const NameParts& previous, std::size_t most_recent) {
    const auto left_over = [](const Group& group) { return group.anew ? std::size_t{0} : group.came.size(); };
    std::size_t recent = 0;
    for (const Group& group : groups) {
        recent += left_over(group);
    }
    while (recent > most_recent) {
        Group& most = *std::max_element(groups.begin(), groups.end(), [&](const Group& a, const Group& b) {
            return left_over(a) < left_over(b);
        });
        recent -= left_over(most);
        most.anew = true;
    }
    for (std::size_t at = 0; at < groups.size(); ++at) {
        if (!groups[at].anew) {
            parts_[at].shard = previous.parts_[at].shard;
        }
    }
}

/// One more group, behind the others: what parts that are taken over lack.
void NameParts::gather_recent(std::vector<Group>& groups) {
    Group recent;
    for (const Group& group : groups) {
        if (!group.anew) {
            recent.members.insert(recent.members.end(), group.came.begin(), group.came.end());
        }
    }
    std::sort(recent.members.begin(), recent.members.end(), by_name);
    groups.push_back(std::move(recent));
}

void NameParts::compile(const std::vector<Group>& groups, const NameParts* previous, const NameBuild& build) {
    std::vector<std::size_t> due;
    for (std::size_t at = 0; at < groups.size(); ++at) {
        if (groups[at].anew && !groups[at].members.empty()) {
            due.push_back(at);
        }
    }
    // The largest first, so that no long one is begun last.
    std::sort(due.begin(), due.end(),
              [&](std::size_t a, std::size_t b) { return groups[a].members.size() > groups[b].members.size(); });
    std::vector<char> compiled(due.size());
    for_each(build, due.size(), [&](std::size_t i) {
        const std::vector<std::string_view> texts = texts_of(groups[due[i]].members);
        const NameShard* old = previous != nullptr ? previous->parts_.back().shard.get() : nullptr;
        const bool same = due[i] + 1 == groups.size() && old != nullptr && old->holds(texts);
        parts_[due[i]].shard = same ? previous->parts_.back().shard : std::make_shared<NameShard>(texts);
        compiled[i] = same ? 0 : 1;
    });
    compiled_ = static_cast<std::size_t>(std::count(compiled.begin(), compiled.end(), 1));
}

} // namespace foregate::dataplane
