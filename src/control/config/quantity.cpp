// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/quantity.h"

#include <array>
#include <cstddef>
#include <span>

namespace foregate::control {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t scale;
};

constexpr std::array<Unit, 5> kRateUnits{{{"bit/s", 1},
                                          {"kbit/s", 1'000},
                                          {"Mbit/s", 1'000'000},
                                          {"Gbit/s", 1'000'000'000},
                                          {"Tbit/s", 1'000'000'000'000}}};
constexpr std::array<Unit, 9> kSizeUnits{{{"B", 1},
                                          {"kB", 1'000},
                                          {"MB", 1'000'000},
                                          {"GB", 1'000'000'000},
                                          {"TB", 1'000'000'000'000},
                                          {"KiB", 1ULL << 10},
                                          {"MiB", 1ULL << 20},
                                          {"GiB", 1ULL << 30},
                                          {"TiB", 1ULL << 40}}};
constexpr std::array<Unit, 5> kDurationUnits{
    {{"ms", 1}, {"s", 1'000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

/// What a kind of quantity is called in messages.
struct Kind {
    std::span<const Unit> units;
    std::string_view example; ///< "a rate such as 10Gbit/s"
    std::string_view base;    ///< "bit/s"
};

const Kind kRate{kRateUnits, "a rate such as 10Gbit/s or 2.5Mbit/s", "bit/s"};
const Kind kSize{kSizeUnits, "a size such as 512MB or 512MiB", "bytes"};
const Kind kDuration{kDurationUnits, "a duration such as 30s, 5min, 2h or 14d", "ms"};

/// digits[.digits] at the start of a text.
struct Decimal {
    std::uint64_t mantissa = 0;    ///< all digits as one number
    std::uint64_t denominator = 1; ///< 10 to the number of digits after the point
    std::size_t length = 0;        ///< characters used; 0 = no number here
    bool octal = false;            ///< a leading zero before another digit
    bool too_long = false;
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

Decimal read_decimal(std::string_view text) {
    constexpr std::size_t kMostDigits = 18;
    Decimal d;
    std::size_t digits = 0;
    std::size_t i = 0;
    const auto run = [&](bool fraction) {
        const std::size_t begin = i;
        for (; i < text.size() && is_digit(text[i]); ++i) {
            if (++digits > kMostDigits) {
                d.too_long = true;
                continue;
            }
            d.mantissa = d.mantissa * 10 + static_cast<std::uint64_t>(text[i] - '0');
            d.denominator *= fraction ? 10 : 1;
        }
        return i - begin;
    };
    const std::size_t whole = run(false);
    if (whole == 0) {
        return d;
    }
    d.octal = whole > 1 && text[0] == '0';
    d.length = i;
    if (i + 1 < text.size() && text[i] == '.' && is_digit(text[i + 1])) {
        ++i;
        run(true);
        d.length = i;
    }
    return d;
}

std::string quoted(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

std::string without_leading_zeros(std::string_view text) {
    while (text.size() > 1 && text[0] == '0' && is_digit(text[1])) {
        text.remove_prefix(1);
    }
    return std::string(text);
}

std::string octal_problem(std::string_view text) {
    return quoted(text) + " looks octal, expected decimal digits without a leading zero: " +
           without_leading_zeros(text);
}

bool is_prefixed_octal(std::string_view text) {
    return text.size() > 2 && text[0] == '0' && (text[1] == 'o' || text[1] == 'O') &&
           is_digit(text[2]);
}

std::string unit_names(const Kind& kind) {
    std::string names;
    for (const auto& unit : kind.units) {
        names += (names.empty() ? "" : ", ") + std::string(unit.name);
    }
    return names;
}

Parsed<std::uint64_t> parse_quantity(std::string_view text, const Kind& kind) {
    using P = Parsed<std::uint64_t>;
    const Decimal d = read_decimal(text);
    if (d.length == 0) {
        return P::failed(quoted(text) + " is no number with a unit, expected " +
                         std::string(kind.example));
    }
    if (d.octal) {
        return P::failed(octal_problem(text));
    }
    std::string_view unit = text.substr(d.length);
    if (unit.size() > 1 && unit[0] == ' ') {
        unit.remove_prefix(1);
    }
    if (unit.empty()) {
        return P::failed(quoted(text) + " has no unit, expected " + std::string(kind.example));
    }
    for (const auto& known : kind.units) {
        if (known.name != unit) {
            continue;
        }
        __extension__ using Wide = unsigned __int128;
        const Wide scaled = static_cast<Wide>(d.mantissa) * known.scale;
        const Wide result = scaled / d.denominator;
        if (d.too_long || result > (1ULL << 62)) {
            return P::failed(quoted(text) + " is too large or too exact a number, expected " +
                             std::string(kind.example));
        }
        if (result * d.denominator != scaled) {
            return P::failed(quoted(text) + " is no whole number of " + std::string(kind.base) +
                             ", expected " + std::string(kind.example));
        }
        return static_cast<std::uint64_t>(result);
    }
    return P::failed(quoted(text) + " has the unknown unit " + quoted(unit) + ", expected " +
                     std::string(kind.example) + " (units: " + unit_names(kind) + ")");
}

/// The largest unit from `units` (skipping those `skip` refuses) that divides `value`.
template <class Skip>
std::string format(std::uint64_t value, std::span<const Unit> units, Skip skip) {
    const Unit* best = &units.front();
    for (const auto& unit : units) {
        if (value != 0 && value % unit.scale == 0 && unit.scale > best->scale && !skip(unit)) {
            best = &unit;
        }
    }
    return std::to_string(value / best->scale) + std::string(best->name);
}

} // namespace

Parsed<std::uint64_t> parse_whole(std::string_view text) {
    using P = Parsed<std::uint64_t>;
    const Decimal d = read_decimal(text);
    if (is_prefixed_octal(text) || (d.octal && d.length == text.size())) {
        return P::failed(is_prefixed_octal(text)
                             ? quoted(text) + " looks octal, expected decimal digits"
                             : octal_problem(text));
    }
    if (d.length != text.size() || text.empty() || d.denominator != 1) {
        return P::failed(quoted(text) + " is no whole number, expected decimal digits");
    }
    if (d.too_long) {
        return P::failed(quoted(text) + " is too large a number, expected at most 18 digits");
    }
    return d.mantissa;
}

Parsed<double> parse_decimal(std::string_view text) {
    using P = Parsed<double>;
    const Decimal d = read_decimal(text);
    if (d.octal) {
        return P::failed(octal_problem(text));
    }
    if (d.length != text.size() || text.empty() || d.too_long) {
        return P::failed(quoted(text) + " is no number, expected a decimal such as 2.5");
    }
    return static_cast<double>(d.mantissa) / static_cast<double>(d.denominator);
}

Parsed<std::uint64_t> parse_rate(std::string_view text) {
    return parse_quantity(text, kRate);
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
    return parse_quantity(text, kSize);
}

Parsed<std::chrono::milliseconds> parse_duration(std::string_view text) {
    using P = Parsed<std::chrono::milliseconds>;
    const auto ms = parse_quantity(text, kDuration);
    if (!ms.value) {
        return P::failed(ms.problem);
    }
    return std::chrono::milliseconds(static_cast<std::int64_t>(*ms.value));
}

Parsed<double> parse_share(std::string_view text) {
    using P = Parsed<double>;
    const std::string expected = ", expected a share such as 50% or 0.5";
    const bool percent = text.ends_with('%');
    const std::string_view digits = percent ? text.substr(0, text.size() - 1) : text;
    const Decimal d = read_decimal(digits);
    if (d.octal) {
        return P::failed(octal_problem(text));
    }
    if (d.length != digits.size() || digits.empty() || d.too_long) {
        return P::failed(quoted(text) + " is no share" + expected);
    }
    const double share = static_cast<double>(d.mantissa) / static_cast<double>(d.denominator) /
                         (percent ? 100.0 : 1.0);
    if (share > 1.0) {
        return P::failed(quoted(text) + " is more than the whole" + expected);
    }
    return share;
}

std::string format_rate(std::uint64_t bps) {
    return format(bps, kRateUnits, [](const Unit&) { return false; });
}

std::string format_size(std::uint64_t bytes) {
    const bool binary = bytes % 1024 == 0;
    return format(bytes, kSizeUnits,
                  [binary](const Unit& unit) { return binary != (unit.name.size() == 3); });
}

std::string format_duration(std::chrono::seconds duration) {
    if (duration.count() == 0) {
        return "0s";
    }
    return format(static_cast<std::uint64_t>(duration.count()) * 1000, kDurationUnits,
                  [](const Unit&) { return false; });
}

} // namespace foregate::control
