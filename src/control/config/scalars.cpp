// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/scalars.h"

#include "control/config/access_rule.h"
#include "control/config/destination_spec.h"

#include <array>
#include <cstdio>
#include <optional>
#include <system_error>
#include <unistd.h>

namespace foregate::control {

namespace {

constexpr std::string_view kZoneFolder = "/usr/share/zoneinfo";

std::string quoted(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

std::string out_of_range(std::string_view text, const std::string& range) {
    return quoted(text) + " is out of range, expected " + range;
}

std::string decimal_text(double value) {
    std::array<char, 32> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%g", value);
    return buffer.data();
}

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool all_of(std::string_view text, std::string_view beside_alphanumeric) {
    for (const char c : text) {
        if (!is_alphanumeric(c) && beside_alphanumeric.find(c) == std::string_view::npos) {
            return false;
        }
    }
    return true;
}

bool is_hex(std::string_view text) {
    return !text.empty() &&
           text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

/// "0000:3b:00.0" of either "0000:3b:00.0" or "3b:00.0" (domain:bus:device.function); empty if it
/// is neither.
std::string full_pci_address(std::string_view text) {
    if (text.size() == 7) {
        return full_pci_address("0000:" + std::string(text));
    }
    if (text.size() != 12 || text[4] != ':' || text[7] != ':' || text[10] != '.' ||
        !is_hex(text.substr(0, 4)) || !is_hex(text.substr(5, 2)) || !is_hex(text.substr(8, 2)) ||
        text[11] < '0' || text[11] > '7') {
        return {};
    }
    std::string full(text);
    for (char& c : full) {
        c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return full;
}

/// "net_af_xdp0,iface=eth1": a driver's name that begins with `net_`, and arguments.
bool is_vdev(std::string_view text) {
    const auto name = text.substr(0, text.find(','));
    if (!name.starts_with("net_") || name.size() < 6 || !all_of(name, "_")) {
        return false;
    }
    for (const char c : text) {
        if (c <= ' ') {
            return false;
        }
    }
    return text.back() != ',';
}

/// Digits at fixed places: "2026-03-04 13:55:40".
std::optional<unsigned> digits(std::string_view text, std::size_t at, std::size_t count) {
    unsigned value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
        if (text[i] < '0' || text[i] > '9') {
            return std::nullopt;
        }
        value = value * 10 + static_cast<unsigned>(text[i] - '0');
    }
    return value;
}

std::optional<std::chrono::local_seconds> read_local_time(std::string_view text) {
    if (text.size() != 19 || text[4] != '-' || text[7] != '-' || text[10] != ' ' ||
        text[13] != ':' || text[16] != ':') {
        return std::nullopt;
    }
    const auto year = digits(text, 0, 4);
    const auto month = digits(text, 5, 2);
    const auto day = digits(text, 8, 2);
    const auto hour = digits(text, 11, 2);
    const auto minute = digits(text, 14, 2);
    const auto second = digits(text, 17, 2);
    if (!year || !month || !day || !hour || !minute || !second || *hour > 23 || *minute > 59 ||
        *second > 59) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                           std::chrono::month(*month), std::chrono::day(*day)};
    if (!date.ok() || *year < 1970) {
        return std::nullopt;
    }
    return std::chrono::local_days(date) + std::chrono::hours(*hour) +
           std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

Parsed<IpPrefix> read_interface_address(std::string_view text) {
    using P = Parsed<IpPrefix>;
    const std::string expected =
        ", expected an address with its prefix length such as 10.0.0.1/24 or fd00::1/64";
    const auto prefix = IpPrefix::parse_interface(text);
    if (!prefix) {
        return P::failed(quoted(text) + " is no interface address" + expected);
    }
    if (text.find('/') == std::string_view::npos) {
        return P::failed(quoted(text) + " has no prefix length" + expected);
    }
    if (prefix->length == 0) {
        return P::failed(quoted(text) + " has a prefix length of 0" + expected);
    }
    if (prefix->bits128() < 127 && prefix->network() == *prefix) {
        return P::failed(quoted(text) +
                         " is the network itself, expected the port's own address in it");
    }
    return *prefix;
}

} // namespace

Scalar<std::uint64_t> whole(std::uint64_t least, std::uint64_t most) {
    const std::string range = std::to_string(least) + ".." + std::to_string(most);
    return {"a whole number " + range, range, [=](std::string_view text, const Reading&) {
                auto parsed = parse_whole(text);
                if (parsed.value && (*parsed.value < least || *parsed.value > most)) {
                    return Parsed<std::uint64_t>::failed(out_of_range(text, range));
                }
                return parsed;
            }};
}

Scalar<double> factor(double least, double most) {
    const std::string range = decimal_text(least) + ".." + decimal_text(most);
    return {"a number " + range, range, [=](std::string_view text, const Reading&) {
                auto parsed = parse_decimal(text);
                if (parsed.value && (*parsed.value < least || *parsed.value > most)) {
                    return Parsed<double>::failed(out_of_range(text, range));
                }
                return parsed;
            }};
}

Scalar<double> share() {
    return {"a share such as 50% or 0.5", "0%..100%",
            [](std::string_view text, const Reading&) { return parse_share(text); }};
}

Scalar<std::uint64_t> rate(std::uint64_t least, std::uint64_t most, std::string none_means) {
    const std::string none = none_means.empty() ? "" : " or none (" + none_means + ")";
    const std::string range = format_rate(least) + ".." + format_rate(most) + none;
    return {"a rate such as 10Gbit/s" + none, range, [=](std::string_view text, const Reading&) {
                if (!none.empty() && text == "none") {
                    return Parsed<std::uint64_t>(0);
                }
                auto parsed = parse_rate(text);
                if (parsed.value && (*parsed.value < least || *parsed.value > most)) {
                    return Parsed<std::uint64_t>::failed(out_of_range(text, range));
                }
                return parsed;
            }};
}

Scalar<std::uint64_t> size(std::uint64_t least, std::uint64_t most) {
    const std::string range = format_size(least) + ".." + format_size(most);
    return {"a size such as 512MiB", range, [=](std::string_view text, const Reading&) {
                auto parsed = parse_size(text);
                if (parsed.value && (*parsed.value < least || *parsed.value > most)) {
                    return Parsed<std::uint64_t>::failed(out_of_range(text, range));
                }
                return parsed;
            }};
}

Scalar<std::chrono::seconds> seconds(std::chrono::seconds least, std::chrono::seconds most,
                                     bool never) {
    const std::string range =
        format_duration(least) + ".." + format_duration(most) + (never ? " or never" : "");
    return {std::string("a duration such as 30s") + (never ? " or never" : ""), range,
            [=](std::string_view text, const Reading&) -> Parsed<std::chrono::seconds> {
                using P = Parsed<std::chrono::seconds>;
                if (never && text == "never") {
                    return std::chrono::seconds(0);
                }
                const auto parsed = parse_duration(text);
                if (!parsed.value) {
                    return P::failed(parsed.problem);
                }
                if (*parsed.value % std::chrono::seconds(1) != std::chrono::milliseconds(0)) {
                    return P::failed(quoted(text) +
                                     " is finer than a second, expected whole seconds such as 30s");
                }
                const auto value = std::chrono::duration_cast<std::chrono::seconds>(*parsed.value);
                if (value < least || value > most) {
                    return P::failed(out_of_range(text, range));
                }
                return value;
            }};
}

Scalar<bool> flag() {
    return word<bool>({{"true", true},
                       {"false", false},
                       {"yes", true},
                       {"no", false},
                       {"on", true},
                       {"off", false}});
}

Scalar<std::string> label(std::size_t longest) {
    const std::string range = "1.." + std::to_string(longest) + " of: letters, digits, . _ -";
    return {"a name", range, [=](std::string_view text, const Reading&) {
                if (text.empty() || text.size() > longest || !all_of(text, "._-") ||
                    !is_alphanumeric(text[0])) {
                    return Parsed<std::string>::failed(quoted(text) +
                                                       " is no valid name, expected " + range +
                                                       ", the first a letter or digit");
                }
                return Parsed<std::string>(std::string(text));
            }};
}

Scalar<std::string> device() {
    const std::string expected =
        "a PCI address such as 0000:3b:00.0 or a DPDK vdev such as net_af_xdp0,iface=eth1";
    return {expected, "", [=](std::string_view text, const Reading&) {
                if (auto pci = full_pci_address(text); !pci.empty()) {
                    return Parsed<std::string>(std::move(pci));
                }
                if (!is_vdev(text)) {
                    return Parsed<std::string>::failed(quoted(text) + " is no device, expected " +
                                                       expected);
                }
                return Parsed<std::string>(std::string(text));
            }};
}

Scalar<std::string> time_zone() {
    return {"a time zone such as UTC or Europe/Rome", "a file under /usr/share/zoneinfo",
            [](std::string_view text, const Reading&) {
                bool valid = !text.empty() && text.size() <= 64 && all_of(text, "/_+-") &&
                             is_alphanumeric(text[0]) && text.find("//") == std::string_view::npos;
                if (valid) {
                    std::error_code error;
                    valid = std::filesystem::is_regular_file(
                        std::filesystem::path(kZoneFolder) / text, error);
                }
                if (!valid) {
                    return Parsed<std::string>::failed(
                        "unknown time zone " + quoted(text) +
                        ", expected a name under /usr/share/zoneinfo such as UTC or Europe/Rome");
                }
                return Parsed<std::string>(std::string(text));
            }};
}

Scalar<std::string> ip_text(bool loopback_only) {
    const std::string expected = loopback_only ? "a loopback address such as 127.0.0.1 or ::1"
                                               : "an address such as 127.0.0.1 or ::1";
    return {expected, "", [=](std::string_view text, const Reading&) {
                using P = Parsed<std::string>;
                const auto parsed = IpAddress::parse(text);
                if (!parsed) {
                    return P::failed(quoted(text) + " is no IP address, expected " + expected);
                }
                const bool loopback = parsed->is_v4() ? parsed->v4() >> 24 == 127
                                                      : *parsed == *IpAddress::parse("::1");
                if (loopback_only && !loopback) {
                    return P::failed(quoted(text) +
                                     " is no loopback address, expected 127.0.0.1 or ::1" +
                                     " (from elsewhere, come through SSH)");
                }
                return P(parsed->to_string());
            }};
}

Scalar<IpAddress> address() {
    return {"an IP address", "", [](std::string_view text, const Reading&) {
                if (const auto parsed = IpAddress::parse(text)) {
                    return Parsed<IpAddress>(*parsed);
                }
                return Parsed<IpAddress>::failed(
                    quoted(text) + " is no IP address, expected one such as 10.0.0.1 or fd00::1");
            }};
}

Scalar<IpPrefix> prefix() {
    return {"a prefix such as 10.1.0.0/24", "", [](std::string_view text, const Reading&) {
                using P = Parsed<IpPrefix>;
                const auto parsed = IpPrefix::parse_interface(text);
                if (!parsed) {
                    return P::failed(
                        quoted(text) +
                        " is no prefix, expected one such as 10.1.0.0/24 or fd00:1::/64");
                }
                if (parsed->network() != *parsed) {
                    return P::failed(quoted(text) + " has host bits set, expected " +
                                     parsed->network().to_string());
                }
                return P(*parsed);
            }};
}

Scalar<IpPrefix> interface_address() {
    return {"an address with its prefix length such as 10.0.0.1/24", "",
            [](std::string_view text, const Reading&) { return read_interface_address(text); }};
}

Scalar<std::array<std::uint8_t, 6>> mac_address() {
    using P = Parsed<std::array<std::uint8_t, 6>>;
    return {"a MAC address such as 00:00:5e:00:01:0a", "", [](std::string_view text, const Reading&) {
                std::array<std::uint8_t, 6> mac{};
                bool right = text.size() == 17;
                for (std::size_t i = 0; i < mac.size() && right; ++i) {
                    const auto two = text.substr(i * 3, 2);
                    right = is_hex(two) && (i == 5 || text[i * 3 + 2] == ':');
                    mac[i] = right ? static_cast<std::uint8_t>(std::stoi(std::string(two), nullptr, 16)) : std::uint8_t{0};
                }
                if (!right || (mac[0] & 1) != 0) {
                    return P::failed(quoted(text) + " is no MAC address of one station, expected one such as 00:00:5e:00:01:0a");
                }
                return P(mac);
            }};
}

Scalar<std::uint16_t> mss_clamp() {
    using P = Parsed<std::uint16_t>;
    return {"on, off or a whole number 536..9540", "on, off, 536..9540", [](std::string_view text, const Reading&) {
                if (text == "on" || text == "off") {
                    return P(text == "on" ? PortConfig::kMssByMtu : PortConfig::kMssAny);
                }
                const auto bytes = parse_whole(text);
                if (!bytes.value || *bytes.value < 536 || *bytes.value > 9540) {
                    return P::failed(quoted(text) + " is no segment size, expected on, off or 536..9540");
                }
                return P(static_cast<std::uint16_t>(*bytes.value));
            }};
}

Scalar<DestinationSpec> destination() {
    return {"a destination such as db.example:5432",
            "name:port, 192.0.2.1:port or [2001:db8::1]:port",
            [](std::string_view text, const Reading&) { return parse_destination_spec(text); }};
}

Scalar<AccessRuleConfig> access_rule() {
    return {"allow or deny, and a name, address or prefix with optional :port and /tcp or /udp", "",
            [](std::string_view text, const Reading&) { return parse_access_rule(text); }};
}

Scalar<std::chrono::local_seconds> local_time() {
    return {"a local time such as 2026-03-04 13:55:40", "YYYY-MM-DD HH:MM:SS",
            [](std::string_view text, const Reading&) {
                using P = Parsed<std::chrono::local_seconds>;
                if (const auto time = read_local_time(text)) {
                    return P(*time);
                }
                return P::failed(
                    quoted(text) +
                    " is no time, expected YYYY-MM-DD HH:MM:SS such as 2026-03-04 13:55:40");
            }};
}

Scalar<std::chrono::seconds> bucket_length() {
    return {"a bucket of 1min or 5min", "1min or 5min", [](std::string_view text, const Reading&) {
                using P = Parsed<std::chrono::seconds>;
                const auto parsed = parse_duration(text);
                if (!parsed.value) {
                    return P::failed(parsed.problem);
                }
                if (*parsed.value != std::chrono::minutes(1) &&
                    *parsed.value != std::chrono::minutes(5)) {
                    return P::failed(out_of_range(text, "1min or 5min"));
                }
                return P(std::chrono::duration_cast<std::chrono::seconds>(*parsed.value));
            }};
}

Scalar<std::filesystem::path> path() {
    return {"a path", "from the config's folder if relative",
            [](std::string_view text, const Reading& reading) {
                using P = Parsed<std::filesystem::path>;
                return text.empty() ? P::failed("an empty path, expected a path")
                                    : P(reading.resolve(text));
            }};
}

Scalar<std::filesystem::path> existing_file(bool or_folder) {
    return {or_folder ? "a file or folder" : "a file", "existing; from the config's folder if relative",
            [or_folder](std::string_view text, const Reading& reading) {
                using P = Parsed<std::filesystem::path>;
                if (text.empty()) {
                    return P::failed("an empty path, expected a file");
                }
                auto file = reading.resolve(text);
                std::error_code error;
                const auto status = std::filesystem::status(file, error);
                if (!std::filesystem::exists(status)) {
                    return P::failed("missing file " + file.string() + ", expected it to exist");
                }
                const bool folder = or_folder && std::filesystem::is_directory(status);
                if (!folder && !std::filesystem::is_regular_file(status)) {
                    return P::failed(file.string() + " is no plain file, expected one");
                }
                if (::access(file.c_str(), R_OK) != 0) {
                    return P::failed(file.string() + " is not readable, expected a readable file");
                }
                return P(std::move(file));
            }};
}

} // namespace foregate::control
