// SPDX-License-Identifier: BSD-3-Clause
// TZif (RFC 8536): the 64-bit block of a version 2+ file, and its footer for later years.
#include "control/usage/time_zone.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace foregate::control {

namespace {

constexpr std::int64_t kDay = 86400;

std::int64_t days_from_civil(int year, unsigned month, unsigned day) {
    using namespace std::chrono;
    const year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                              std::chrono::day{day}};
    return sys_days{date}.time_since_epoch().count();
}

int year_of(std::int64_t seconds) {
    using namespace std::chrono;
    const auto day = floor<days>(sys_seconds{std::chrono::seconds{seconds}});
    return static_cast<int>(year_month_day{day}.year());
}

// Big-endian reads with bounds; a read beyond the end throws.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}
    std::string_view take(std::size_t n) {
        if (bytes_.size() < n) {
            throw std::runtime_error("file is cut short");
        }
        const std::string_view part = bytes_.substr(0, n);
        bytes_.remove_prefix(n);
        return part;
    }
    std::int64_t number(std::size_t n) {
        std::uint64_t value = 0;
        for (const char c : take(n)) {
            value = value << 8 | static_cast<unsigned char>(c);
        }
        const std::size_t unused = 64 - 8 * n;
        return static_cast<std::int64_t>(value << unused) >> unused;
    }
    [[nodiscard]] std::string_view rest() const { return bytes_; }

private:
    std::string_view bytes_;
};

struct Header {
    char version = 0;
    // In the file's order: UT and standard indicators, leap seconds, changes, types, letters.
    std::array<std::size_t, 6> counts{};

    explicit Header(Reader& in) {
        if (in.take(4) != "TZif") {
            throw std::runtime_error("not a TZif file");
        }
        version = in.take(1)[0];
        in.take(15);
        for (std::size_t& count : counts) {
            count = static_cast<std::size_t>(in.number(4) & 0xffffffff);
        }
    }
    [[nodiscard]] std::size_t data_size(std::size_t time_size) const {
        const auto [ut, standard, leap, change, type, letter] = counts;
        return change * time_size + change + type * 6 + letter + leap * (time_size + 4) + standard +
               ut;
    }
};

// The footer's text: "CET-1CEST,M3.5.0,M10.5.0/3".
class Footer {
public:
    explicit Footer(std::string_view text) : text_(text) {}
    [[nodiscard]] bool done() const { return text_.empty(); }
    bool skip(char c) {
        if (done() || text_.front() != c) {
            return false;
        }
        text_.remove_prefix(1);
        return true;
    }
    void name() {
        if (skip('<')) {
            while (!done() && !skip('>')) {
                text_.remove_prefix(1);
            }
            return;
        }
        while (!done() && std::isalpha(static_cast<unsigned char>(text_.front())) != 0) {
            text_.remove_prefix(1);
        }
    }
    int number() {
        int value = 0;
        bool any = false;
        while (!done() && std::isdigit(static_cast<unsigned char>(text_.front())) != 0) {
            value = value * 10 + (text_.front() - '0');
            any = true;
            text_.remove_prefix(1);
        }
        if (!any) {
            throw std::runtime_error("damaged rule in the footer");
        }
        return value;
    }
    // [+-]hh[:mm[:ss]] in seconds.
    std::int64_t time() {
        const bool minus = skip('-');
        if (!minus) {
            skip('+');
        }
        std::int64_t seconds = number() * 3600LL;
        if (skip(':')) {
            seconds += number() * 60LL;
            if (skip(':')) {
                seconds += number();
            }
        }
        return minus ? -seconds : seconds;
    }
    [[nodiscard]] char front() const { return done() ? '\0' : text_.front(); }

private:
    std::string_view text_;
};

} // namespace

TimeZone::TimeZone(const std::string& name, const std::string& folder) : name_(name) {
    if (name == "UTC") {
        return;
    }
    if (name.empty() || name.front() == '/' || name.find("..") != std::string::npos) {
        throw std::runtime_error("time zone '" + name + "': expected a name like Europe/Berlin");
    }
    try {
        load(folder + "/" + name);
    } catch (const std::runtime_error& e) {
        throw std::runtime_error("time zone '" + name + "': " + e.what());
    }
}

void TimeZone::load(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (!file.good() && bytes.empty()) {
        throw std::runtime_error("no such zone in " + path.substr(0, path.find(name_)));
    }
    Reader in(bytes);
    const Header first(in);
    if (first.version < '2') {
        throw std::runtime_error("version 1 zone files are not read");
    }
    in.take(first.data_size(4));
    const Header header(in);
    Reader data(in.take(header.data_size(8)));
    const std::size_t change_count = header.counts[3];
    const std::size_t type_count = header.counts[4];
    for (std::size_t i = 0; i < change_count; ++i) {
        changes_.push_back(data.number(8));
    }
    const std::string_view type_of = data.take(change_count);
    std::vector<std::int64_t> types;
    for (std::size_t i = 0; i < type_count; ++i) {
        types.push_back(data.number(4));
        data.take(2);
    }
    if (types.empty()) {
        throw std::runtime_error("no offset in the file");
    }
    for (const char type : type_of) {
        offsets_.push_back(types.at(static_cast<unsigned char>(type) % types.size()));
    }
    first_offset_ = types.front();
    std::string_view footer = in.rest();
    if (footer.size() >= 2 && footer.front() == '\n') {
        parse_footer(std::string(footer.substr(1, footer.find('\n', 1) - 1)));
    }
}

void TimeZone::parse_footer(const std::string& footer) {
    if (footer.empty()) {
        return;
    }
    Footer in(footer);
    const auto rule = [&in] {
        Rule r;
        if (in.skip('M')) {
            r.kind = Rule::Kind::month_week_day;
            r.month = in.number();
            in.skip('.');
            r.week = in.number();
            in.skip('.');
            r.day = in.number();
            if (r.month < 1 || r.month > 12 || r.week < 1 || r.week > 5 || r.day > 6) {
                throw std::runtime_error("damaged rule in the footer");
            }
        } else {
            r.kind = in.skip('J') ? Rule::Kind::julian : Rule::Kind::day_of_year;
            r.day = in.number();
        }
        r.time = in.skip('/') ? in.time() : 2 * 3600;
        return r;
    };
    in.name();
    tail_.standard_offset = -in.time();
    tail_.present = true;
    if (in.done()) {
        return;
    }
    in.name();
    tail_.daylight = true;
    tail_.daylight_offset =
        in.front() == ',' || in.done() ? tail_.standard_offset + 3600 : -in.time();
    in.skip(',');
    tail_.start = rule();
    in.skip(',');
    tail_.end = rule();
}

std::int64_t TimeZone::rule_local_seconds(const Rule& rule, int year) {
    const std::int64_t january = days_from_civil(year, 1, 1);
    if (rule.kind == Rule::Kind::day_of_year) {
        return (january + rule.day) * kDay + rule.time;
    }
    if (rule.kind == Rule::Kind::julian) {
        const bool leap = std::chrono::year{year}.is_leap();
        return (january + rule.day - 1 + (leap && rule.day >= 60 ? 1 : 0)) * kDay + rule.time;
    }
    using namespace std::chrono;
    const auto month = std::chrono::month{static_cast<unsigned>(rule.month)};
    const auto weekday = std::chrono::weekday{static_cast<unsigned>(rule.day)};
    const sys_days day =
        rule.week == 5
            ? sys_days{year_month_weekday_last{std::chrono::year{year}, month, weekday[last]}}
            : sys_days{year_month_weekday{std::chrono::year{year}, month,
                                          weekday[static_cast<unsigned>(rule.week)]}};
    return day.time_since_epoch().count() * kDay + rule.time;
}

std::int64_t TimeZone::tail_offset(std::int64_t epoch) const noexcept {
    if (!tail_.daylight) {
        return tail_.standard_offset;
    }
    const int year = year_of(epoch + tail_.standard_offset);
    const std::int64_t start = rule_local_seconds(tail_.start, year) - tail_.standard_offset;
    const std::int64_t end = rule_local_seconds(tail_.end, year) - tail_.daylight_offset;
    const bool daylight = start < end ? epoch >= start && epoch < end // northern
                                      : epoch >= start || epoch < end;
    return daylight ? tail_.daylight_offset : tail_.standard_offset;
}

std::int64_t TimeZone::offset_at(std::int64_t epoch) const noexcept {
    const auto next = std::upper_bound(changes_.begin(), changes_.end(), epoch);
    if (next == changes_.end() && tail_.present) {
        return tail_offset(epoch);
    }
    if (next == changes_.begin()) {
        return first_offset_;
    }
    return offsets_[static_cast<std::size_t>(next - changes_.begin()) - 1];
}

std::chrono::local_seconds TimeZone::to_local(std::int64_t epoch) const noexcept {
    return std::chrono::local_seconds{std::chrono::seconds{epoch + offset_at(epoch)}};
}

TimeZone::Resolved TimeZone::to_epoch(std::chrono::local_seconds local) const noexcept {
    const std::int64_t wall = local.time_since_epoch().count();
    // The offsets a day before and a day after bracket any one change.
    const std::int64_t before = offset_at(wall - kDay);
    const std::int64_t after = offset_at(wall + kDay);
    const bool by_before = offset_at(wall - before) == before;
    const bool by_after = offset_at(wall - after) == after;
    if (by_before) {
        return {wall - before, true, by_after && before != after};
    }
    return {by_after ? wall - after : wall - before, by_after, false};
}

} // namespace foregate::control
