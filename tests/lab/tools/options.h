// SPDX-License-Identifier: BSD-3-Clause
// Command-line options of the lab tools: `--name value` and `--flag`, declared in one table per
// command, so that --help, defaults and the check for unknown names come from the same place.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace foregate::lab {

/// One declared option. An empty `value_name` makes it a flag; no `fallback` makes it required.
struct OptionSpec {
    std::string name;
    std::string value_name;
    std::optional<std::string> fallback;
    std::string help;
};

class Options {
public:
    /// Reads `arguments`; throws std::invalid_argument that names the offending option.
    Options(std::string command, std::vector<OptionSpec> specs, std::span<char*> arguments);

    const std::string& text(const std::string& name) const;
    bool flag(const std::string& name) const;
    double number(const std::string& name) const;
    std::uint64_t count(const std::string& name) const;
    /// "200M", "1.5G", "64k" or a plain number.
    std::uint64_t scaled(const std::string& name) const;
    /// A comma-separated list; an empty text is an empty list.
    std::vector<std::string> list(const std::string& name) const;
    /// True when --help was given; the text has been printed then.
    bool help_shown() const { return help_shown_; }

private:
    void print_help(const std::string& command) const;

    std::vector<OptionSpec> specs_;
    std::map<std::string, std::string> values_;
    bool help_shown_ = false;
};

/// Both throw std::invalid_argument with `what` in the message.
double parse_number(const std::string& text, const std::string& what);
std::uint64_t parse_scaled(const std::string& text, const std::string& what);
std::vector<std::string> split(const std::string& text, char separator);

} // namespace foregate::lab
