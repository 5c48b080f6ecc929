// SPDX-License-Identifier: BSD-3-Clause
// What is wrong with a config: every problem found in one pass over it, each with the line it
// stands on.
#pragma once

#include "control/config/config.h"

#include <stdexcept>
#include <string>
#include <vector>

namespace foregate::control {

struct ConfigProblem {
    SourceMark mark;     ///< line 0: the file as a whole (it cannot be read)
    std::string message; ///< "what is wrong, expected what"
    /// `file:line: message`.
    [[nodiscard]] std::string to_string() const;
    bool operator==(const ConfigProblem&) const = default;
};

/// Thrown by the loader; what() is the problems in the order of their lines, one a line.
class ConfigError : public std::runtime_error {
public:
    explicit ConfigError(std::vector<ConfigProblem> problems);
    [[nodiscard]] const std::vector<ConfigProblem>& problems() const noexcept { return problems_; }

private:
    std::vector<ConfigProblem> problems_;
};

} // namespace foregate::control
