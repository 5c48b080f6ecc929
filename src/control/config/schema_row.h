// SPDX-License-Identifier: BSD-3-Clause
// Rows {key, type, range, default, help} that read the config: what a row says in text is what its
// reader enforces, because both come from the same arguments. Code behind the loader never checks a
// range again. A row without `required` whose key is absent leaves the struct's own default member
// value in place; a test compares the row's text with it.
#pragma once

#include "control/config/nearest.h"
#include "control/config/quantity.h"
#include "control/config/reading.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foregate::control {

/// One key of the config, for help and for tests. Lists of maps have `[]` in the path:
/// `ports[].rate`.
struct KeyHelp {
    std::string path;
    std::string type;
    std::string range;    ///< empty = any
    std::string fallback; ///< default, as it would be written; empty = none
    std::string help;
    bool required = false;
};

/// How one value is read from its text.
template <class T> struct Scalar {
    std::string type;
    std::string range;
    std::function<Parsed<T>(std::string_view, const Reading&)> parse;
};

template <class C> struct Row {
    KeyHelp help;              ///< path = the key alone
    bool may_be_empty = false; ///< `key:` without a value means the default
    std::function<void(Reading&, const YamlNode&, const std::string&, C&)> read;
    std::vector<KeyHelp> below; ///< of a section: its keys
};

template <class C> using Rows = std::vector<Row<C>>;

/// "a number", "a list", ... for messages.
[[nodiscard]] std::string kind_of(const YamlNode& node);

/// The keys of `rows` with all below them, under `prefix` (such as "ports[].").
template <class C>
std::vector<KeyHelp> keys_of(const Rows<C>& rows, const std::string& prefix = "") {
    std::vector<KeyHelp> keys;
    for (const auto& row : rows) {
        KeyHelp key = row.help;
        key.path = prefix + key.path;
        keys.push_back(key);
        for (KeyHelp inner : row.below) {
            inner.path = key.path + inner.path;
            keys.push_back(std::move(inner));
        }
    }
    return keys;
}

/// Reads the map `node` into `target` by `rows`: unknown, missing and empty keys are problems.
template <class C>
void read_map(Reading& reading, const YamlNode& node, const std::string& path, const Rows<C>& rows,
              C& target) {
    if (!node.is_map()) {
        reading.problem(node.line, path, kind_of(node) + ", expected keys with values");
        return;
    }
    const std::string prefix = path.empty() ? "" : path + ".";
    std::vector<std::string> known;
    for (const auto& row : rows) {
        known.push_back(row.help.path);
    }
    for (const auto& entry : node.entries) {
        bool found = false;
        for (const auto& row : rows) {
            if (row.help.path != entry.key) {
                continue;
            }
            found = true;
            reading.set_line(prefix + entry.key, entry.line);
            if (!entry.value.is_empty()) {
                row.read(reading, entry.value, prefix + entry.key, target);
            } else if (!row.may_be_empty) {
                reading.problem(entry.line, prefix + entry.key,
                                "no value, expected " + row.help.type);
            }
        }
        if (!found) {
            reading.problem(entry.line, path,
                            "unknown key \"" + entry.key + "\", " + suggestion(entry.key, known));
        }
    }
    for (const auto& row : rows) {
        if (row.help.required && node.find(row.help.path) == nullptr) {
            const std::string missing = prefix + row.help.path;
            reading.problem(node.line, missing, "missing, expected " + row.help.type);
        }
    }
}

/// Reads one scalar node; a problem if it is none or its text is refused.
template <class T>
std::optional<T> read_scalar(Reading& reading, const YamlNode& node, const std::string& path,
                             const Scalar<T>& scalar) {
    if (!node.is_scalar()) {
        reading.problem(node.line, path, kind_of(node) + ", expected " + scalar.type);
        return std::nullopt;
    }
    Parsed<T> parsed = scalar.parse(node.text, reading);
    if (!parsed.value) {
        reading.problem(node.line, path, parsed.problem);
    }
    return std::move(parsed.value);
}

/// A key with one value. `fallback` empty: no default text, and with `may_be_empty` an empty value
/// keeps the default.
template <class C, class M, class T>
Row<C> key(std::string name, M C::*member, Scalar<T> scalar, std::string fallback,
           std::string help) {
    Row<C> row;
    row.help = {std::move(name),     scalar.type,     scalar.range,
                std::move(fallback), std::move(help), false};
    row.read = [member, scalar](Reading& reading, const YamlNode& node, const std::string& path,
                                C& target) {
        if (auto value = read_scalar(reading, node, path, scalar)) {
            target.*member = static_cast<M>(*std::move(value));
        }
    };
    return row;
}

template <class C> Row<C> required(Row<C> row) {
    row.help.required = true;
    return row;
}

template <class C> Row<C> may_be_empty(Row<C> row) {
    row.may_be_empty = true;
    return row;
}

/// A key with a list of values, at least `least` of them, none twice.
template <class C, class M, class T>
Row<C> list(std::string name, std::vector<M> C::*member, Scalar<T> scalar, std::size_t least,
            std::string fallback, std::string help) {
    Row<C> row;
    row.help = {std::move(name), "a list of: " + scalar.type,
                scalar.range,    std::move(fallback),
                std::move(help), false};
    row.read = [member, scalar, least](Reading& reading, const YamlNode& node,
                                       const std::string& path, C& target) {
        if (!node.is_list()) {
            reading.problem(node.line, path,
                            kind_of(node) + ", expected a list such as [a, b], of: " + scalar.type);
            return;
        }
        if (node.items.size() < least) {
            reading.problem(node.line, path,
                            "an empty list, expected at least one: " + scalar.type);
        }
        std::vector<M> values;
        for (const auto& item : node.items) {
            auto value = read_scalar(reading, item, path, scalar);
            if (!value) {
                continue;
            }
            const M converted = static_cast<M>(*std::move(value));
            const auto same = std::find(values.begin(), values.end(), converted);
            if (same != values.end()) {
                const auto index = std::to_string(same - values.begin());
                reading.problem(item.line, path,
                                "\"" + item.text + "\" is listed twice, first in line " +
                                    std::to_string(reading.line_of(path + "[" + index + "]")) +
                                    ", expected it once");
                continue;
            }
            reading.set_line(path + "[" + std::to_string(values.size()) + "]", item.line);
            values.push_back(converted);
        }
        target.*member = std::move(values);
    };
    return row;
}

/// A key with a map below it, read by rows of its own.
template <class C, class S>
Row<C> section(std::string name, S C::*member, const Rows<S>& rows, std::string help) {
    Row<C> row;
    row.help = {std::move(name), "keys with values", "", "", std::move(help), false};
    row.below = keys_of(rows, ".");
    row.read = [member, &rows](Reading& reading, const YamlNode& node, const std::string& path,
                               C& target) { read_map(reading, node, path, rows, target.*member); };
    return row;
}

/// A key with a list of maps, each with a `mark` if S has one.
template <class C, class S>
Row<C> sections(std::string name, std::vector<S> C::*member, const Rows<S>& rows,
                std::string help) {
    Row<C> row;
    row.help = {std::move(name), "a list of: keys with values", "", "[]", std::move(help), false};
    row.below = keys_of(rows, "[].");
    row.read = [member, &rows](Reading& reading, const YamlNode& node, const std::string& path,
                               C& target) {
        if (!node.is_list()) {
            reading.problem(node.line, path,
                            kind_of(node) + ", expected a list: one `- key: value` block each");
            return;
        }
        for (const auto& item : node.items) {
            auto& values = target.*member;
            const std::string at = path + "[" + std::to_string(values.size()) + "]";
            reading.set_line(at, item.line);
            S& element = values.emplace_back();
            if constexpr (requires { element.mark; }) {
                element.mark = reading.mark(item.line);
            }
            read_map(reading, item, at, rows, element);
        }
    };
    return row;
}

} // namespace foregate::control
