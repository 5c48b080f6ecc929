// SPDX-License-Identifier: BSD-3-Clause
// A writer for one JSON object on one line: what every lab tool prints at its end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::lab {

class JsonLine {
public:
    JsonLine& add(std::string_view key, std::string_view value);
    JsonLine& add(std::string_view key, const char* value) {
        return add(key, std::string_view(value));
    }
    JsonLine& add(std::string_view key, std::int64_t value);
    JsonLine& add(std::string_view key, std::uint64_t value);
    JsonLine& add(std::string_view key, double value);
    JsonLine& add(std::string_view key, bool value);
    JsonLine& add(std::string_view key, const std::vector<double>& values);
    /// `json` is put in as it is: an object or array made elsewhere.
    JsonLine& add_raw(std::string_view key, std::string_view json);
    std::string str() const { return "{" + body_ + "}"; }

private:
    void key(std::string_view name);

    std::string body_;
};

/// "[a,b,c]" of values that are JSON already.
std::string json_array(const std::vector<std::string>& items);

/// Writes `line` and a newline to `path` by way of a temporary name, so that a reader sees all of
/// it or nothing;
/// "-" is standard output. Throws std::runtime_error.
void write_line(const std::string& path, const std::string& line);

} // namespace foregate::lab
