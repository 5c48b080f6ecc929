// SPDX-License-Identifier: BSD-3-Clause
#include "json_line.h"

#include <cmath>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace foregate::lab {

namespace {

std::string number_text(double value) {
    if (!std::isfinite(value)) {
        return "null";
    }
    char text[40];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

std::string quoted(std::string_view value) {
    std::string out = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char text[8];
            std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(c));
            out += text;
        } else {
            out += c;
        }
    }
    return out + "\"";
}

} // namespace

void JsonLine::key(std::string_view name) {
    if (!body_.empty()) {
        body_ += ',';
    }
    body_ += quoted(name) + ":";
}

JsonLine& JsonLine::add_raw(std::string_view name, std::string_view json) {
    key(name);
    body_ += json;
    return *this;
}

JsonLine& JsonLine::add(std::string_view name, std::string_view value) {
    return add_raw(name, quoted(value));
}

JsonLine& JsonLine::add(std::string_view name, std::int64_t value) {
    return add_raw(name, std::to_string(value));
}

JsonLine& JsonLine::add(std::string_view name, std::uint64_t value) {
    return add_raw(name, std::to_string(value));
}

JsonLine& JsonLine::add(std::string_view name, double value) {
    return add_raw(name, number_text(value));
}

JsonLine& JsonLine::add(std::string_view name, bool value) {
    return add_raw(name, value ? "true" : "false");
}

JsonLine& JsonLine::add(std::string_view name, const std::vector<double>& values) {
    std::vector<std::string> items;
    items.reserve(values.size());
    for (const double value : values) {
        items.push_back(number_text(value));
    }
    return add_raw(name, json_array(items));
}

std::string json_array(const std::vector<std::string>& items) {
    std::string out = "[";
    for (const std::string& item : items) {
        if (out.size() > 1) {
            out += ',';
        }
        out += item;
    }
    return out + "]";
}

void write_line(const std::string& path, const std::string& line) {
    if (path == "-") {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
        return;
    }
    const std::string aside = path + ".new";
    std::ofstream file(aside, std::ios::trunc);
    file << line << '\n';
    file.close();
    if (!file || std::rename(aside.c_str(), path.c_str()) != 0) {
        throw std::runtime_error(path + ": cannot be written");
    }
}

} // namespace foregate::lab
