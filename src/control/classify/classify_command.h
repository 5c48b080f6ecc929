// SPDX-License-Identifier: BSD-3-Clause
// `foregate classify`: the flows of captures and what they are, offline.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace foregate::control {

struct ClassifyArguments {
    std::vector<std::string> captures;
    std::vector<std::filesystem::path> catalogues; ///< on top of the built-in one
    std::string feeds; ///< threat feed or folder that verdicts come from; empty: everything is allowed
    bool json = false;
    bool flat = false; ///< do not descend into tunnels
};

/// 0 when every capture could be read, else 1; problems go to `err`.
[[nodiscard]] int run_classify(const ClassifyArguments& arguments, std::ostream& out, std::ostream& err);

} // namespace foregate::control
