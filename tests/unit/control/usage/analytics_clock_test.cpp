// SPDX-License-Identifier: BSD-3-Clause
#include "control/usage/analytics_clock.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>

namespace foregate::control {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

std::chrono::local_seconds local(const char* text) {
    return *parse_local_time(text);
}

// UTC seconds of a UTC text.
std::int64_t utc(const char* text) {
    return local(text).time_since_epoch().count();
}

system_clock::time_point system_at(std::int64_t epoch) {
    return system_clock::time_point{seconds{epoch}};
}

TEST(LocalTime, ReadsAndWrites) {
    EXPECT_EQ(format_local_time(local("2026-11-22 13:56")), "2026-11-22 13:56");
    EXPECT_EQ(format_local_time(local("2026-11-22T13:56:07")), "2026-11-22 13:56:07");
    for (const char* bad : {"2026-11-22", "2026-02-29 10:00", "2026-11-22 24:00", "2026-11-22 1:00",
                            "2026-13-01 00:00", "2026-11-22 13:56Z", "", "2026-11-22 13.56"}) {
        EXPECT_FALSE(parse_local_time(bad)) << bad;
    }
}

TEST(TimeZoneTest, UtcIsTheIdentity) {
    const TimeZone zone;
    EXPECT_EQ(zone.offset_at(1800000000), 0);
    EXPECT_EQ(zone.to_epoch(zone.to_local(1800000000)).epoch, 1800000000);
}

TEST(TimeZoneTest, BerlinChangesTwiceAYear) {
    const TimeZone zone("Europe/Berlin");
    EXPECT_EQ(zone.offset_at(utc("2026-03-29 00:59:59")), 3600);
    EXPECT_EQ(zone.offset_at(utc("2026-03-29 01:00")), 7200);
    EXPECT_EQ(zone.offset_at(utc("2026-10-25 00:59:59")), 7200);
    EXPECT_EQ(zone.offset_at(utc("2026-10-25 01:00")), 3600);

    EXPECT_EQ(zone.to_epoch(local("2026-07-01 14:00")).epoch, utc("2026-07-01 12:00"));
    const auto skipped = zone.to_epoch(local("2026-03-29 02:30"));
    EXPECT_FALSE(skipped.exists);
    EXPECT_EQ(skipped.epoch, utc("2026-03-29 01:30"));
    const auto twice = zone.to_epoch(local("2026-10-25 02:30"));
    EXPECT_TRUE(twice.exists);
    EXPECT_TRUE(twice.ambiguous);
    EXPECT_EQ(twice.epoch, utc("2026-10-25 00:30"));
    EXPECT_FALSE(zone.to_epoch(local("2026-10-25 03:00")).ambiguous);
}

TEST(TimeZoneTest, FarYearsFollowTheFooter) {
    const TimeZone berlin("Europe/Berlin");
    EXPECT_EQ(berlin.offset_at(utc("2060-01-15 12:00")), 3600);
    EXPECT_EQ(berlin.offset_at(utc("2060-07-15 12:00")), 7200);
    const TimeZone sydney("Australia/Sydney"); // summer over the turn of the year
    EXPECT_EQ(sydney.offset_at(utc("2060-01-15 12:00")), 11 * 3600);
    EXPECT_EQ(sydney.offset_at(utc("2060-07-15 12:00")), 10 * 3600);
    const TimeZone kolkata("Asia/Kolkata");
    EXPECT_EQ(kolkata.offset_at(utc("2060-07-15 12:00")), 19800);
}

// The C library reads the same files; it is the judge over many zones and moments.
TEST(TimeZoneTest, AgreesWithTheCLibrary) {
    const char* before = std::getenv("TZ");
    const std::string saved = before != nullptr ? before : "";
    for (const char* name : {"Europe/Berlin", "America/New_York", "America/St_Johns",
                             "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca",
                             "America/Sao_Paulo", "Pacific/Apia", "Europe/Dublin"}) {
        const TimeZone zone(name);
        ASSERT_EQ(setenv("TZ", name, 1), 0);
        tzset();
        for (std::int64_t epoch = utc("1971-01-01 00:00"); epoch < utc("2080-01-01 00:00");
             epoch += 86400 * 11 + 3571) {
            const auto when = static_cast<std::time_t>(epoch);
            std::tm broken{};
            localtime_r(&when, &broken);
            ASSERT_EQ(zone.offset_at(epoch), broken.tm_gmtoff) << name << " at " << epoch;
        }
    }
    if (before != nullptr) {
        setenv("TZ", saved.c_str(), 1);
    } else {
        unsetenv("TZ");
    }
    tzset();
}

TEST(TimeZoneTest, RefusesWhatIsNoZone) {
    for (const char* bad : {"Mars/Olympus", "", "/etc/passwd", "../passwd", "Europe"}) {
        EXPECT_THROW(TimeZone{bad}, std::runtime_error) << bad;
    }
    const auto folder = std::filesystem::path(testing::TempDir()) / "zones";
    std::filesystem::create_directories(folder);
    std::ifstream whole("/usr/share/zoneinfo/Europe/Berlin", std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(whole), {}};
    for (std::size_t length = 0; length + 40 < bytes.size(); length += 37) { // cut short
        std::ofstream(folder / "Cut", std::ios::binary) << bytes.substr(0, length);
        EXPECT_THROW(TimeZone("Cut", folder.string()), std::runtime_error) << length;
    }
}

TEST(AnalyticsClockTest, RunsAtTheSystemsPaceFromItsStart) {
    const auto system = system_at(utc("2026-11-22 09:00"));
    const AnalyticsClock clock(local("2026-11-23 13:56"), "UTC", system);
    EXPECT_EQ(clock.now(system), local("2026-11-23 13:56"));
    EXPECT_EQ(clock.now(system + seconds{245}), local("2026-11-23 14:00:05"));
    EXPECT_EQ(clock.epoch(system), utc("2026-11-23 13:56"));
    const AnalyticsClock same(std::nullopt, "UTC", system);
    EXPECT_EQ(same.epoch(system), utc("2026-11-22 09:00"));
}

TEST(AnalyticsClockTest, StartIsLocalTime) {
    const auto system = system_at(utc("2026-11-22 09:00"));
    const AnalyticsClock clock(local("2026-07-01 13:56"), "Europe/Berlin", system);
    EXPECT_EQ(clock.epoch(system), utc("2026-07-01 11:56"));
    EXPECT_EQ(clock.now(system), local("2026-07-01 13:56"));
}

TEST(AnalyticsClockTest, BucketsStartOnMultiples) {
    EXPECT_EQ(AnalyticsClock::bucket_start(utc("2026-11-22 13:59:59"), seconds{300}),
              utc("2026-11-22 13:55"));
    EXPECT_EQ(AnalyticsClock::bucket_start(utc("2026-11-22 14:00"), seconds{300}),
              utc("2026-11-22 14:00"));
    EXPECT_EQ(AnalyticsClock::bucket_start(-1, seconds{300}), -300);
}

TEST(AnalyticsClockTest, DayTypesKnowHolidays) {
    const auto file = std::filesystem::path(testing::TempDir()) / "holidays.txt";
    std::ofstream(file) << "# company\n2026-12-25 # Friday\n\n  2026-12-26\r\n";
    const AnalyticsClock clock(std::nullopt, "UTC", system_at(0), load_holidays(file));
    EXPECT_EQ(clock.day_type(local("2026-11-20 12:00")), 0);
    EXPECT_EQ(clock.day_type(local("2026-11-21 00:00")), 1);
    EXPECT_EQ(clock.day_type(local("2026-11-22 23:59")), 2);
    EXPECT_EQ(clock.day_type(local("2026-12-25 12:00")), 2);
    EXPECT_EQ(clock.day_type(local("2026-12-26 12:00")), 2); // a Saturday, and a holiday
}

TEST(AnalyticsClockTest, ABadHolidayNamesItsLine) {
    const auto file = std::filesystem::path(testing::TempDir()) / "bad-holidays.txt";
    std::ofstream(file) << "2026-12-25\n25.12.2026\n";
    try {
        static_cast<void>(load_holidays(file));
        FAIL() << "a bad date was taken";
    } catch (const std::runtime_error& e) {
        EXPECT_EQ(std::string(e.what()),
                  file.string() + ":2: '25.12.2026' is no date; expected YYYY-MM-DD");
    }
    EXPECT_THROW(static_cast<void>(load_holidays("/nowhere/at/all")), std::runtime_error);
}

} // namespace
} // namespace foregate::control
