// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/load_config.h"

#include "control/config/cross_checks.h"
#include "control/config/schema.h"
#include "control/config/yaml_tree.h"

#include <array>
#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

namespace foregate::control {

namespace {

constexpr std::size_t kMostBytes = (4U << 20) + 1; ///< one more than read_yaml() takes

void fill_in(Config& config) {
    for (auto& port : config.ports) {
        const bool routed = port.role == PortRole::desktop || port.role == PortRole::upstream;
        if (routed && port.twin.empty() && !port.name.empty()) {
            port.twin = "fg-" + port.name;
        }
    }
    const auto otherwise = [](std::filesystem::path& file, const std::filesystem::path& fallback) {
        if (file.empty()) {
            file = fallback;
        }
    };
    otherwise(config.analytics.database, config.system.state_dir / "usage.db");
    otherwise(config.events.file, config.system.state_dir / "events.json");
    otherwise(config.classify.pattern_cache, config.system.state_dir / "patterns");
    otherwise(config.captures.folder, config.system.state_dir / "captures");
    otherwise(config.console.socket, config.system.run_dir / "console.sock");
}

[[noreturn]] void unreadable(const std::filesystem::path& file, int error) {
    throw ConfigError({{{file.string(), 0},
                        "cannot be read (" + std::generic_category().message(error) +
                            "), expected a YAML config"}});
}

std::string read_text(const std::filesystem::path& file) {
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) {
        unreadable(file, EISDIR);
    }
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        unreadable(file, errno != 0 ? errno : EIO);
    }
    std::string text;
    std::array<char, 65536> block{};
    while (text.size() < kMostBytes && (in.read(block.data(), block.size()) || in.gcount() > 0)) {
        text.append(block.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad()) {
        unreadable(file, EIO);
    }
    return text;
}

} // namespace

Config parse_config(std::string_view text, const std::filesystem::path& file) {
    Reading reading(file.string(), file.parent_path());
    Config config;
    config.source = file;
    const YamlNode root = read_yaml(text, file.string(), reading.problems());
    if (root.is_empty()) {
        if (reading.problems().empty()) {
            reading.problem(1, "", "no keys, expected a YAML config");
        }
        throw ConfigError(std::move(reading.problems()));
    }
    read_map(reading, root, "", config_rows(), config);
    fill_in(config);
    check_ports(reading, config);
    check_fleet(reading, config);
    check_policies(reading, config);
    if (!reading.problems().empty()) {
        throw ConfigError(std::move(reading.problems()));
    }
    for (const auto& warning : reading.warnings()) {
        config.warnings.push_back(warning.to_string());
    }
    return config;
}

Config load_config(const std::filesystem::path& file) {
    return parse_config(read_text(file), file);
}

} // namespace foregate::control
