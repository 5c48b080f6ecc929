// SPDX-License-Identifier: BSD-3-Clause
// The kinds of values the schema's rows are made of: each names its type and range, and reads them
// from text.
#pragma once

#include "control/config/schema_row.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace foregate::control {

[[nodiscard]] Scalar<std::uint64_t> whole(std::uint64_t least, std::uint64_t most);
[[nodiscard]] Scalar<double> factor(double least, double most);
[[nodiscard]] Scalar<double> share();
/// With `none_means` not empty, the word `none` is 0 and means that ("not shaped").
[[nodiscard]] Scalar<std::uint64_t> rate(std::uint64_t least, std::uint64_t most,
                                         std::string none_means = "");
[[nodiscard]] Scalar<std::uint64_t> size(std::uint64_t least, std::uint64_t most);
/// Whole seconds; with `never` the word `never` is 0.
[[nodiscard]] Scalar<std::chrono::seconds> seconds(std::chrono::seconds least,
                                                   std::chrono::seconds most, bool never = false);
[[nodiscard]] Scalar<bool> flag();
/// A name in messages, the console and metrics: letters, digits, `.`, `_`, `-`.
[[nodiscard]] Scalar<std::string> label(std::size_t longest);
[[nodiscard]] Scalar<std::string> device();
[[nodiscard]] Scalar<std::string> time_zone();
[[nodiscard]] Scalar<std::string> ip_text(bool loopback_only);
[[nodiscard]] Scalar<IpAddress> address();
/// Host bits must be clear.
[[nodiscard]] Scalar<IpPrefix> prefix();
/// Host bits are kept; a length must be written.
[[nodiscard]] Scalar<IpPrefix> interface_address();
[[nodiscard]] Scalar<DestinationSpec> destination();
/// Of one station: 00:00:5e:00:01:0a.
[[nodiscard]] Scalar<std::array<std::uint8_t, 6>> mac_address();
/// A largest TCP segment: `on` (by the port's MTU), `off`, or bytes.
[[nodiscard]] Scalar<std::uint16_t> mss_clamp();
[[nodiscard]] Scalar<AccessRuleConfig> access_rule();
[[nodiscard]] Scalar<std::chrono::local_seconds> local_time();
[[nodiscard]] Scalar<std::chrono::seconds> bucket_length();
/// A file or folder that need not exist yet.
[[nodiscard]] Scalar<std::filesystem::path> path();
/// A file that must exist and be readable; with `or_folder` a folder may take its place.
[[nodiscard]] Scalar<std::filesystem::path> existing_file(bool or_folder = false);

/// One of some words.
template <class E> Scalar<E> word(std::vector<std::pair<std::string, E>> choices) {
    std::vector<std::string> names;
    std::string range;
    for (const auto& [name, value] : choices) {
        names.push_back(name);
        range += (range.empty() ? "" : ", ") + name;
    }
    auto parse = [choices = std::move(choices), names](std::string_view text,
                                                       const Reading&) -> Parsed<E> {
        for (const auto& [name, value] : choices) {
            if (name == text) {
                return value;
            }
        }
        return Parsed<E>::failed("unknown value \"" + std::string(text) + "\", " +
                                 suggestion(text, names));
    };
    return {"one of: " + range, range, std::move(parse)};
}

} // namespace foregate::control
