// SPDX-License-Identifier: BSD-3-Clause
// The state of one pass over a config file: problems and warnings found so far, and the line of
// every value by its path.
#pragma once

#include "control/config/config_error.h"
#include "control/config/yaml_tree.h"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foregate::control {

/// Paths are as in `ports[0].addresses[1]`, indices counted in the Config's vectors. Not shared
/// between threads.
class Reading {
public:
    /// `file` as shown in messages; relative paths in the config are taken from `folder`.
    Reading(std::string file, std::filesystem::path folder)
        : file_(std::move(file)), folder_(std::move(folder)) {}

    /// A problem of the value at `path`, which is then known as failed. The message begins with the
    /// path without indices.
    void problem(int line, const std::string& path, const std::string& message);
    void warn(int line, const std::string& path, const std::string& message);
    void set_line(const std::string& path, int line) { lines_[path] = line; }

    /// The line of `path`, or of the nearest thing around it; 1 for the file as a whole.
    [[nodiscard]] int line_of(std::string path) const;
    /// Whether the value at `path` was refused, so that checks across values must not trust it.
    [[nodiscard]] bool failed(const std::string& path) const { return failed_.contains(path); }
    [[nodiscard]] SourceMark mark(int line) const { return {file_, line}; }
    /// `path` itself if absolute, else below the config's folder.
    [[nodiscard]] std::filesystem::path resolve(std::string_view path) const;

    std::vector<ConfigProblem>& problems() noexcept { return problems_; }
    std::vector<ConfigProblem>& warnings() noexcept { return warnings_; }

private:
    std::string file_;
    std::filesystem::path folder_;
    std::vector<ConfigProblem> problems_;
    std::vector<ConfigProblem> warnings_;
    std::map<std::string, int> lines_;
    std::set<std::string> failed_;
};

} // namespace foregate::control
