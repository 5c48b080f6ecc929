// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/reading.h"

namespace foregate::control {

namespace {

/// "ports[0].rate" -> "ports.rate": the line says which one.
std::string shown(const std::string& path) {
    std::string out;
    bool inside = false;
    for (const char c : path) {
        inside = inside || c == '[';
        if (!inside) {
            out += c;
        }
        inside = inside && c != ']';
    }
    return out;
}

} // namespace

void Reading::problem(int line, const std::string& path, const std::string& message) {
    failed_.insert(path);
    problems_.push_back({mark(line), path.empty() ? message : shown(path) + ": " + message});
}

void Reading::warn(int line, const std::string& path, const std::string& message) {
    warnings_.push_back(
        {mark(line), "warning: " + (path.empty() ? message : shown(path) + ": " + message)});
}

int Reading::line_of(std::string path) const {
    while (true) {
        if (const auto at = lines_.find(path); at != lines_.end()) {
            return at->second;
        }
        const auto cut = path.find_last_of(".[");
        if (cut == std::string::npos) {
            return 1;
        }
        path.resize(cut);
    }
}

std::filesystem::path Reading::resolve(std::string_view path) const {
    const std::filesystem::path given(path);
    return given.is_absolute() ? given : (folder_ / given).lexically_normal();
}

} // namespace foregate::control
