// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/quantity.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ConfigQuantity, RatesAreExact) {
    EXPECT_EQ(parse_rate("10Gbit/s").value, 10'000'000'000ULL);
    EXPECT_EQ(parse_rate("500Mbit/s").value, 500'000'000ULL);
    EXPECT_EQ(parse_rate("2.5Mbit/s").value, 2'500'000ULL);
    EXPECT_EQ(parse_rate("0.1Gbit/s").value, 100'000'000ULL);
    EXPECT_EQ(parse_rate("64kbit/s").value, 64'000ULL);
    EXPECT_EQ(parse_rate("64 kbit/s").value, 64'000ULL);
    EXPECT_EQ(parse_rate("7bit/s").value, 7ULL);
    EXPECT_EQ(parse_rate("0bit/s").value, 0ULL);
}

TEST(ConfigQuantity, RatesSayWhatIsWrong) {
    EXPECT_EQ(parse_rate("10").problem,
              "\"10\" has no unit, expected a rate such as 10Gbit/s or 2.5Mbit/s");
    EXPECT_EQ(parse_rate("10Mbps").problem, "\"10Mbps\" has the unknown unit \"Mbps\", expected a "
                                            "rate such as 10Gbit/s or 2.5Mbit/s (units: bit/s, "
                                            "kbit/s, Mbit/s, Gbit/s, Tbit/s)");
    EXPECT_EQ(parse_rate("fast").problem,
              "\"fast\" is no number with a unit, expected a rate such as 10Gbit/s or 2.5Mbit/s");
    EXPECT_EQ(
        parse_rate("010Mbit/s").problem,
        "\"010Mbit/s\" looks octal, expected decimal digits without a leading zero: 10Mbit/s");
    EXPECT_EQ(
        parse_rate("0.5bit/s").problem,
        "\"0.5bit/s\" is no whole number of bit/s, expected a rate such as 10Gbit/s or 2.5Mbit/s");
    EXPECT_EQ(parse_rate("99999999999999999Tbit/s").problem,
              "\"99999999999999999Tbit/s\" is too large or too exact a number, expected a rate "
              "such as 10Gbit/s or "
              "2.5Mbit/s");
    for (const char* text :
         {"", "-1Mbit/s", "+1Mbit/s", "1e3bit/s", ".5Mbit/s", "1.Mbit/s", "1,5Mbit/s", "Mbit/s",
          "1  Mbit/s", "1Mbit/s ", "10gbit/s", "1111111111111111111bit/s"}) {
        EXPECT_FALSE(parse_rate(text).value) << text;
    }
}

TEST(ConfigQuantity, SizesKnowBothBases) {
    EXPECT_EQ(parse_size("512MB").value, 512'000'000ULL);
    EXPECT_EQ(parse_size("512MiB").value, 512ULL << 20);
    EXPECT_EQ(parse_size("1.5GiB").value, 3ULL << 29);
    EXPECT_EQ(parse_size("9B").value, 9ULL);
    EXPECT_EQ(parse_size("512").problem,
              "\"512\" has no unit, expected a size such as 512MB or 512MiB");
    EXPECT_EQ(parse_size("512M").problem, "\"512M\" has the unknown unit \"M\", expected a size "
                                          "such as 512MB or 512MiB (units: B, kB, MB, GB, TB, "
                                          "KiB, MiB, GiB, TiB)");
}

TEST(ConfigQuantity, Durations) {
    EXPECT_EQ(parse_duration("250ms").value, milliseconds(250));
    EXPECT_EQ(parse_duration("30s").value, milliseconds(30'000));
    EXPECT_EQ(parse_duration("0.5s").value, milliseconds(500));
    EXPECT_EQ(parse_duration("5min").value, milliseconds(300'000));
    EXPECT_EQ(parse_duration("2h").value, milliseconds(7'200'000));
    EXPECT_EQ(parse_duration("14d").value, milliseconds(1'209'600'000));
    EXPECT_EQ(parse_duration("5m").problem,
              "\"5m\" has the unknown unit \"m\", expected a duration such as 30s, 5min, 2h "
              "or 14d (units: ms, s, min, h, d)");
    EXPECT_EQ(parse_duration("30").problem,
              "\"30\" has no unit, expected a duration such as 30s, 5min, 2h or 14d");
}

TEST(ConfigQuantity, SharesAreWrittenTwoWays) {
    EXPECT_DOUBLE_EQ(*parse_share("50%").value, 0.5);
    EXPECT_DOUBLE_EQ(*parse_share("12.5%").value, 0.125);
    EXPECT_DOUBLE_EQ(*parse_share("0.5").value, 0.5);
    EXPECT_DOUBLE_EQ(*parse_share("1").value, 1.0);
    EXPECT_DOUBLE_EQ(*parse_share("0%").value, 0.0);
    EXPECT_EQ(parse_share("50").problem,
              "\"50\" is more than the whole, expected a share such as 50% or 0.5");
    EXPECT_EQ(parse_share("half").problem,
              "\"half\" is no share, expected a share such as 50% or 0.5");
    EXPECT_FALSE(parse_share("%").value);
    EXPECT_FALSE(parse_share("050%").value);
}

TEST(ConfigQuantity, WholeNumbersRefuseWhatOthersReadAsOctal) {
    EXPECT_EQ(parse_whole("0").value, 0ULL);
    EXPECT_EQ(parse_whole("10").value, 10ULL);
    EXPECT_EQ(parse_whole("012").problem,
              "\"012\" looks octal, expected decimal digits without a leading zero: 12");
    EXPECT_EQ(parse_whole("0o17").problem, "\"0o17\" looks octal, expected decimal digits");
    EXPECT_EQ(parse_whole("0x1f").problem, "\"0x1f\" is no whole number, expected decimal digits");
    EXPECT_EQ(parse_whole("1.5").problem, "\"1.5\" is no whole number, expected decimal digits");
    EXPECT_EQ(parse_whole("1234567890123456789").problem,
              "\"1234567890123456789\" is too large a number, expected at most 18 digits");
    EXPECT_FALSE(parse_whole("").value);
    EXPECT_FALSE(parse_whole("1_000").value);
    EXPECT_FALSE(parse_whole("1.0").value);
}

TEST(ConfigQuantity, FormatsAreReadBack) {
    EXPECT_EQ(format_rate(10'000'000'000), "10Gbit/s");
    EXPECT_EQ(format_rate(2'500'000), "2500kbit/s");
    EXPECT_EQ(format_size(512ULL << 20), "512MiB");
    EXPECT_EQ(format_size(512'000'001), "512000001B");
    EXPECT_EQ(format_duration(seconds(300)), "5min");
    EXPECT_EQ(format_duration(seconds(0)), "0s");
    for (const std::uint64_t value :
         {0ULL, 1ULL, 999ULL, 1'024ULL, 64'000ULL, 1'000'000'000'000ULL}) {
        EXPECT_EQ(parse_rate(format_rate(value)).value, value);
        EXPECT_EQ(parse_size(format_size(value)).value, value);
    }
}

} // namespace
} // namespace foregate::control
