// SPDX-License-Identifier: BSD-3-Clause
// For the loader's tests: configs as text, problems as lines, and a folder that goes away with the
// test.
#pragma once

#include "control/config/load_config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::control::testing {

/// A valid fleet in 4 lines; tests append what they are about, from line 5 on.
inline const std::string kTwoPorts =
    "ports:\n"
    "  - {name: d, role: desktop, device: net_ring0, addresses: [10.1.0.1/16]}\n"
    "  - {name: u, role: upstream, device: net_ring1, addresses: [10.2.0.1/16]}\n"
    "classes: [{name: office, prefixes: [10.1.1.0/24]}]\n";

/// The problems of `text` as lines, in order; empty if it is valid.
inline std::vector<std::string> problems(std::string_view text,
                                         const std::filesystem::path& file = "f.yaml") {
    std::vector<std::string> lines;
    try {
        (void)parse_config(text, file);
    } catch (const ConfigError& error) {
        for (const auto& problem : error.problems()) {
            lines.push_back(problem.to_string());
        }
    }
    return lines;
}

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "foregate-config-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) {
            throw std::runtime_error("mkdtemp failed");
        }
        path_ = pattern;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::filesystem::path write(const std::string& name, std::string_view text) const {
        std::ofstream(path_ / name) << text;
        return path_ / name;
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

} // namespace foregate::control::testing
