// SPDX-License-Identifier: BSD-3-Clause
// A YAML text as a tree of plain nodes, each with its line. The only place that knows yaml-cpp.
// Built from the parser's events and not from YAML::Node, because yaml-cpp 0.7's nodes hide
// duplicate keys (the first wins silently), turn `012` into a number by themselves, and give an
// empty value the mark of the next line.
#pragma once

#include "control/config/config_error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::control {

struct YamlEntry;

struct YamlNode {
    enum class Kind : std::uint8_t { empty, scalar, list, map };
    Kind kind = Kind::empty;
    int line = 0; ///< 1-based; of an empty value: its key's, or its dash's
    bool quoted = false;
    std::string text;               ///< of a scalar, as written
    std::vector<YamlNode> items;    ///< of a list
    std::vector<YamlEntry> entries; ///< of a map, in the order of the file, without duplicates

    [[nodiscard]] bool is_scalar() const noexcept { return kind == Kind::scalar; }
    [[nodiscard]] bool is_list() const noexcept { return kind == Kind::list; }
    [[nodiscard]] bool is_map() const noexcept { return kind == Kind::map; }
    [[nodiscard]] bool is_empty() const noexcept { return kind == Kind::empty; }
    [[nodiscard]] const YamlNode* find(std::string_view key) const noexcept;
};

struct YamlEntry {
    std::string key;
    int line = 0;
    YamlNode value;
};

/// Reads one document. Duplicate keys, keys that are no plain text, anchors, aliases, tags, a
/// second document, bytes that are no UTF-8 text and syntax errors become `problems`, with `file`
/// in their marks; the tree holds what could be read. Never throws on any bytes (but
/// std::bad_alloc).
[[nodiscard]] YamlNode read_yaml(std::string_view text, const std::string& file,
                                 std::vector<ConfigProblem>& problems);

} // namespace foregate::control
