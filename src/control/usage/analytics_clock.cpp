// SPDX-License-Identifier: BSD-3-Clause
#include "control/usage/analytics_clock.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string_view>

namespace foregate::control {

using std::chrono::local_days;
using std::chrono::local_seconds;

namespace {

// Exactly `digits` digits at `at`; -1 if not.
int number_at(std::string_view text, std::size_t at, std::size_t digits) {
    if (text.size() < at + digits) {
        return -1;
    }
    int value = 0;
    for (const char c : text.substr(at, digits)) {
        if (c < '0' || c > '9') {
            return -1;
        }
        value = value * 10 + (c - '0');
    }
    return value;
}

std::optional<local_days> parse_date(std::string_view text) {
    const int year = number_at(text, 0, 4);
    const int month = number_at(text, 5, 2);
    const int day = number_at(text, 8, 2);
    if (text.size() != 10 || text[4] != '-' || text[7] != '-' || year < 0 || month < 0 || day < 0) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok()) {
        return std::nullopt;
    }
    return local_days{date};
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) {
        text.remove_prefix(1);
    }
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
        text.remove_suffix(1);
    }
    return text;
}

} // namespace

std::set<local_days> load_holidays(const std::filesystem::path& file) {
    std::ifstream in(file);
    if (!in) {
        throw std::runtime_error(file.string() + ": cannot be read; expected dates, one a line");
    }
    std::set<local_days> days;
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        const std::string_view text = trimmed(std::string_view(line).substr(0, line.find('#')));
        if (text.empty()) {
            continue;
        }
        const auto day = parse_date(text);
        if (!day) {
            throw std::runtime_error(file.string() + ":" + std::to_string(number) + ": '" +
                                     std::string(text) + "' is no date; expected YYYY-MM-DD");
        }
        days.insert(*day);
    }
    return days;
}

std::optional<local_seconds> parse_local_time(std::string_view text) {
    const bool seconds_given = text.size() == 19;
    if ((text.size() != 16 && !seconds_given) || (text[10] != ' ' && text[10] != 'T') ||
        text[13] != ':' || (seconds_given && text[16] != ':')) {
        return std::nullopt;
    }
    const auto day = parse_date(text.substr(0, 10));
    const int hour = number_at(text, 11, 2);
    const int minute = number_at(text, 14, 2);
    const int second = seconds_given ? number_at(text, 17, 2) : 0;
    if (!day || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
        return std::nullopt;
    }
    return *day + std::chrono::hours{hour} + std::chrono::minutes{minute} +
           std::chrono::seconds{second};
}

std::string format_local_time(local_seconds local) {
    const auto day = std::chrono::floor<std::chrono::days>(local);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{local - day};
    std::array<char, 64> text{};
    const int length = std::snprintf(
        text.data(), text.size(), "%04d-%02u-%02u %02d:%02d", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()));
    std::string result(text.data(), static_cast<std::size_t>(length));
    if (const auto seconds = time.seconds().count(); seconds != 0) {
        result += seconds < 10 ? ":0" : ":";
        result += std::to_string(seconds);
    }
    return result;
}

AnalyticsClock::AnalyticsClock(std::optional<local_seconds> start, const std::string& time_zone,
                               std::chrono::system_clock::time_point system_now,
                               std::set<local_days> holidays)
    : zone_(time_zone), holidays_(std::move(holidays)) {
    if (start) {
        shift_ = zone_.to_epoch(*start).epoch - epoch(system_now);
    }
}

std::int64_t AnalyticsClock::epoch(std::chrono::system_clock::time_point system_now) const {
    return std::chrono::floor<std::chrono::seconds>(system_now).time_since_epoch().count() + shift_;
}

local_seconds AnalyticsClock::now(std::chrono::system_clock::time_point t) const {
    return zone_.to_local(epoch(t));
}

std::int64_t AnalyticsClock::bucket_start(std::int64_t epoch, std::chrono::seconds bucket) {
    const std::int64_t length = bucket.count();
    const std::int64_t rest = epoch % length;
    return epoch - (rest < 0 ? rest + length : rest);
}

std::uint8_t AnalyticsClock::day_type(local_seconds local) const {
    const local_days day = std::chrono::floor<std::chrono::days>(local);
    const std::chrono::weekday weekday{day};
    if (weekday == std::chrono::Sunday || holidays_.contains(day)) {
        return 2;
    }
    return weekday == std::chrono::Saturday ? 1 : 0;
}

} // namespace foregate::control
