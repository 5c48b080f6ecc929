// SPDX-License-Identifier: BSD-3-Clause
// Text for people from a command's JSON value, and the pipes on that value. Pure; any thread.
#pragma once

#include "control/console/command_line.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace foregate::control {

/// Array of objects -> aligned table, columns in the order of insertion; object -> `key: value`
/// lines, nested ones indented; array of scalars -> one a line; empty or null -> "none". Every line
/// ends with '\n'. Control characters in strings (names come from the network) appear as \xNN, so
/// nothing can steer the reader's terminal.
[[nodiscard]] std::string render_text(const nlohmann::ordered_json& value);

/// JSON text; bytes that are not UTF-8 become U+FFFD. `indent` -1: one line.
[[nodiscard]] std::string render_json(const nlohmann::ordered_json& value, int indent);

/// `match` keeps rows (elements of arrays) and lines (members of objects) with the text in them,
/// `count` gives the number of rows, or of lines where the value is an object.
[[nodiscard]] nlohmann::ordered_json apply_pipes(nlohmann::ordered_json value,
                                                 const std::vector<Pipe>& pipes);

} // namespace foregate::control
