// SPDX-License-Identifier: BSD-3-Clause
// Numbers with units, from text: rates, sizes, durations, shares. Exact: no value goes through a
// double but shares and factors.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace foregate::control {

/// A value, or why there is none: "what is wrong, expected what", to stand after the key in a
/// message.
template <class T> struct Parsed {
    std::optional<T> value;
    std::string problem;
    Parsed(T v)
        : value(std::move(v)) {} // NOLINT(google-explicit-constructor): reads as a return value
    static Parsed failed(std::string why) {
        Parsed p{T{}};
        p.value.reset();
        p.problem = std::move(why);
        return p;
    }
};

/// "12". Signs, fractions, exponents and leading zeros (YAML 1.1 reads those as octal) are refused.
[[nodiscard]] Parsed<std::uint64_t> parse_whole(std::string_view text);
/// "2.5": a plain decimal without unit.
[[nodiscard]] Parsed<double> parse_decimal(std::string_view text);
/// "2.5Mbit/s": bit/s, kbit/s, Mbit/s, Gbit/s, Tbit/s (powers of ten), in bits per second.
[[nodiscard]] Parsed<std::uint64_t> parse_rate(std::string_view text);
/// "512MB" (powers of ten: B, kB, MB, GB, TB) or "512MiB" (powers of two: KiB, MiB, GiB, TiB), in
/// bytes.
[[nodiscard]] Parsed<std::uint64_t> parse_size(std::string_view text);
/// "250ms", "30s", "5min", "2h", "14d".
[[nodiscard]] Parsed<std::chrono::milliseconds> parse_duration(std::string_view text);
/// "50%" or "0.5", both 0.5; 0 to 1.
[[nodiscard]] Parsed<double> parse_share(std::string_view text);

/// In the largest unit that leaves a whole number: 2500000 -> "2500kbit/s", 512 << 20 -> "512MiB",
/// 300 s -> "5min".
[[nodiscard]] std::string format_rate(std::uint64_t bps);
[[nodiscard]] std::string format_size(std::uint64_t bytes);
[[nodiscard]] std::string format_duration(std::chrono::seconds duration);

} // namespace foregate::control
