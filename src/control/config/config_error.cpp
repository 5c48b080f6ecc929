// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/config_error.h"

#include <algorithm>
#include <utility>

namespace foregate::control {

namespace {

std::vector<ConfigProblem> in_line_order(std::vector<ConfigProblem> problems) {
    std::ranges::stable_sort(problems, {}, [](const ConfigProblem& p) { return p.mark.line; });
    return problems;
}

std::string joined(const std::vector<ConfigProblem>& problems) {
    std::string text;
    for (const auto& problem : problems) {
        text += (text.empty() ? "" : "\n") + problem.to_string();
    }
    return text;
}

} // namespace

std::string ConfigProblem::to_string() const {
    return mark.file + ":" + std::to_string(mark.line) + ": " + message;
}

ConfigError::ConfigError(std::vector<ConfigProblem> problems)
    : std::runtime_error(joined(in_line_order(problems))),
      problems_(in_line_order(std::move(problems))) {}

} // namespace foregate::control
