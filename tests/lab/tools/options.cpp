// SPDX-License-Identifier: BSD-3-Clause
#include "options.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <stdexcept>

namespace foregate::lab {

namespace {

const OptionSpec* find_spec(const std::vector<OptionSpec>& specs, const std::string& name) {
    for (const OptionSpec& spec : specs) {
        if (spec.name == name) {
            return &spec;
        }
    }
    return nullptr;
}

} // namespace

double parse_number(const std::string& text, const std::string& what) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
        throw std::invalid_argument(what + ": expected a number, got '" + text + "'");
    }
    return value;
}

std::uint64_t parse_scaled(const std::string& text, const std::string& what) {
    double factor = 1;
    std::string digits = text;
    if (!digits.empty()) {
        switch (digits.back()) {
        case 'k':
            factor = 1e3;
            break;
        case 'M':
            factor = 1e6;
            break;
        case 'G':
            factor = 1e9;
            break;
        default:
            break;
        }
        if (factor > 1) {
            digits.pop_back();
        }
    }
    const double value = parse_number(digits, what) * factor;
    if (value < 0 || value > 1e18) {
        throw std::invalid_argument(what + ": out of range: '" + text + "'");
    }
    return static_cast<std::uint64_t>(std::llround(value));
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::size_t from = 0;
    while (from < text.size()) {
        const std::size_t to = std::min(text.find(separator, from), text.size());
        if (to > from) {
            parts.push_back(text.substr(from, to - from));
        }
        from = to + 1;
    }
    return parts;
}

Options::Options(std::string command, std::vector<OptionSpec> specs, std::span<char*> arguments)
    : specs_(std::move(specs)) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string argument = arguments[i];
        if (argument == "--help") {
            print_help(command);
            help_shown_ = true;
            return;
        }
        const std::string name = argument.starts_with("--") ? argument.substr(2) : std::string();
        const OptionSpec* spec = find_spec(specs_, name);
        if (spec == nullptr) {
            throw std::invalid_argument("unknown argument '" + argument + "' (see --help)");
        }
        if (spec->value_name.empty()) {
            values_[name] = "yes";
            continue;
        }
        if (++i == arguments.size()) {
            throw std::invalid_argument(argument + ": expected a value (" + spec->value_name + ")");
        }
        values_[name] = arguments[i];
    }
    for (const OptionSpec& spec : specs_) {
        if (values_.contains(spec.name)) {
            continue;
        }
        if (!spec.fallback && !spec.value_name.empty()) {
            throw std::invalid_argument("--" + spec.name + " is required (" + spec.help + ")");
        }
        values_[spec.name] = spec.fallback.value_or("");
    }
}

void Options::print_help(const std::string& command) const {
    std::printf("%s: options\n", command.c_str());
    for (const OptionSpec& spec : specs_) {
        const std::string shown = "--" + spec.name + " " + spec.value_name;
        std::printf("  %-28s %s%s%s%s\n", shown.c_str(), spec.help.c_str(),
                    spec.fallback ? " [" : "", spec.fallback ? spec.fallback->c_str() : "",
                    spec.fallback ? "]" : "");
    }
}

const std::string& Options::text(const std::string& name) const {
    return values_.at(name);
}

bool Options::flag(const std::string& name) const {
    return !values_.at(name).empty();
}

double Options::number(const std::string& name) const {
    return parse_number(values_.at(name), "--" + name);
}

std::uint64_t Options::count(const std::string& name) const {
    const double value = number(name);
    if (value < 0 || value != std::floor(value)) {
        throw std::invalid_argument("--" + name + ": expected a whole number");
    }
    return static_cast<std::uint64_t>(value);
}

std::uint64_t Options::scaled(const std::string& name) const {
    return parse_scaled(values_.at(name), "--" + name);
}

std::vector<std::string> Options::list(const std::string& name) const {
    return split(values_.at(name), ',');
}

} // namespace foregate::lab
