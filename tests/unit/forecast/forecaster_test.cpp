// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/forecaster.h"

#include "made_series.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace foregate::forecast {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

Forecast run(const Series& series, int horizon) {
    ForecastOptions options;
    options.horizon = horizon;
    return forecast(series, options);
}

void expect_sound(const Forecast& out, int horizon, const std::string& what) {
    ASSERT_EQ(out.steps.size(), static_cast<std::size_t>(horizon)) << what;
    for (const Step& step : out.steps) {
        for (const double value : {step.mean, step.q025, step.q10, step.q50, step.q90, step.q975}) {
            ASSERT_TRUE(std::isfinite(value)) << what;
        }
        EXPECT_LE(step.q025, step.q10) << what;
        EXPECT_LE(step.q10, step.q50) << what;
        EXPECT_LE(step.q50, step.q90) << what;
        EXPECT_LE(step.q90, step.q975) << what;
    }
    ASSERT_FALSE(out.members.empty()) << what;
    double sum = 0;
    for (const MemberReport& member : out.members) {
        EXPECT_GE(member.weight, 0) << what;
        EXPECT_TRUE(std::isfinite(member.error)) << what;
        sum += member.weight;
    }
    EXPECT_NEAR(sum, 1, 1e-9) << what;
    EXPECT_EQ(out.chosen, out.members.front().name) << what;
}

double wave(int i) {
    return 100 + 40 * std::sin(2 * 3.14159265358979 * i / 24);
}

TEST(Forecaster, MisuseThrowsAndSaysWhat) {
    const Series good = made::series_of(10, 1, wave);
    const auto message = [](const Series& series, int horizon) -> std::string {
        try {
            run(series, horizon);
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "no exception";
    };
    EXPECT_EQ(message(good, 0), "forecast: horizon must be at least 1, not 0");
    Series bad = good;
    bad.season = 0;
    EXPECT_EQ(message(bad, 1), "forecast: season must be at least 1, not 0");
    bad = good;
    bad.long_season = -1;
    EXPECT_EQ(message(bad, 1), "forecast: long_season must not be negative");
    bad = good;
    bad.values[3] = -std::numeric_limits<double>::infinity();
    EXPECT_EQ(message(bad, 1), "forecast: value 3 is infinite");
    bad = good;
    bad.day_type.assign(10, 0);
    EXPECT_EQ(message(bad, 2), "forecast: day_type must have one entry per value and per step: "
                               "expected 12, got 10");
}

TEST(Forecaster, NothingObservedGivesZeros) {
    for (const int length : {0, 1, 50}) {
        Series series;
        series.season = 24;
        series.values.assign(static_cast<std::size_t>(length), kMissing);
        const Forecast out = run(series, 5);
        expect_sound(out, 5, "missing");
        EXPECT_TRUE(out.fallback);
        EXPECT_EQ(out.note, length == 0 ? "no values" : "all values are missing");
        EXPECT_EQ(out.steps[4].mean, 0);
        EXPECT_EQ(out.steps[4].q975, 0);
    }
}

TEST(Forecaster, ConstantStaysConstantWithoutABand) {
    for (const double level : {0.0, 7.0, -3.0, 1e9}) {
        for (const int length : {1, 2, 30, 500}) {
            const Forecast out = run(made::series_of(length, 24, [&](int) { return level; }), 30);
            expect_sound(out, 30, std::to_string(level));
            for (const Step& step : out.steps) {
                EXPECT_NEAR(step.mean, level, 1e-6 * std::abs(level));
                EXPECT_NEAR(step.q025, level, 1e-6 * std::abs(level));
                EXPECT_NEAR(step.q975, level, 1e-6 * std::abs(level));
            }
        }
    }
}

TEST(Forecaster, AnyLengthAndSeasonIsSound) {
    for (const int season : {1, 2, 7, 24}) {
        for (int length = 1; length < 120; length += length < 12 ? 1 : 7) {
            for (const int horizon : {1, 5, 30}) {
                made::Noise noise(static_cast<std::uint64_t>(length));
                Series series = made::series_of(
                    length, season, [&](int i) { return wave(i) + 10 * noise.normal(); });
                series.long_season = 2 * season;
                expect_sound(run(series, horizon), horizon,
                             "season " + std::to_string(season) + " length " +
                                 std::to_string(length));
            }
        }
    }
}

TEST(Forecaster, HugeTinyAndNegativeValuesAreSound) {
    for (const double size : {1e308, 1e200, 1e-200, 1e-308, 1.0}) {
        for (const double sign : {1.0, -1.0}) {
            made::Noise noise(9);
            const Forecast out =
                run(made::series_of(
                        200, 24,
                        [&](int i) { return sign * size * ((wave(i) + noise.uniform()) / 200); }),
                    24);
            expect_sound(out, 24, std::to_string(size));
            EXPECT_NEAR(out.steps[0].mean / size, sign * wave(200) / 200, 0.1);
        }
    }
    // The widest jumps a double has.
    const double most = std::numeric_limits<double>::max();
    expect_sound(run(made::series_of(100, 4, [&](int i) { return i % 3 == 0 ? most : -most; }), 9),
                 9, "extremes");
}

TEST(Forecaster, NonNegativeStaysSoAndNegativeMayBe) {
    made::Noise noise(4);
    const Forecast low =
        run(made::series_of(400, 24, [&](int) { return noise.uniform() < 0.8 ? 0.0 : 5.0; }), 24);
    for (const Step& step : low.steps) {
        EXPECT_GE(step.q025, 0);
    }
    const Forecast falling =
        run(made::series_of(400, 24, [&](int i) { return 50 - i + noise.normal(); }), 24);
    EXPECT_LT(falling.steps[23].mean, -340);
}

TEST(Forecaster, SeasonWithNoiseIsFollowedAndCovered) {
    int inside80 = 0;
    int inside95 = 0;
    double error = 0;
    constexpr int kSeries = 20;
    for (std::uint64_t seed = 0; seed < kSeries; ++seed) {
        made::Noise noise(seed);
        const auto value = [&](int i) { return wave(i) + 5 * noise.normal(); };
        const Series series = made::series_of(600, 24, value);
        const Forecast out = run(series, 48);
        for (int k = 0; k < 48; ++k) {
            const Step& step = out.steps[static_cast<std::size_t>(k)];
            const double actual = value(600 + k);
            error += std::abs(step.mean - wave(600 + k)) / (48 * kSeries);
            inside80 += step.q10 <= actual && actual <= step.q90;
            inside95 += step.q025 <= actual && actual <= step.q975;
        }
    }
    EXPECT_LT(error, 2.5); // half the noise
    EXPECT_GT(inside80, 48 * kSeries * 72 / 100);
    EXPECT_LT(inside80, 48 * kSeries * 92 / 100);
    EXPECT_GT(inside95, 48 * kSeries * 90 / 100);
}

TEST(Forecaster, MissingValuesAreNotZeros) {
    made::Noise noise(5);
    Series series = made::series_of(480, 24, [&](int i) {
        // One in five missing, and a whole day, and the last three.
        const bool gone = noise.uniform() < 0.2 || (i >= 300 && i < 324) || i >= 477;
        return gone ? kMissing : wave(i) + noise.normal();
    });
    series.values[0] = kMissing;
    const Forecast out = run(series, 24);
    expect_sound(out, 24, "gaps");
    for (int k = 0; k < 24; ++k) {
        EXPECT_NEAR(out.steps[static_cast<std::size_t>(k)].mean, wave(480 + k), 6) << k;
    }
}

TEST(Forecaster, SameInputSameBits) {
    made::Noise noise(6);
    const Series series =
        made::series_of(700, 24, [&](int i) { return wave(i) + 20 * noise.uniform(); });
    const Forecast a = run(series, 48);
    const Forecast b = run(series, 48);
    for (std::size_t k = 0; k < a.steps.size(); ++k) {
        EXPECT_EQ(std::bit_cast<std::uint64_t>(a.steps[k].mean),
                  std::bit_cast<std::uint64_t>(b.steps[k].mean));
        EXPECT_EQ(std::bit_cast<std::uint64_t>(a.steps[k].q975),
                  std::bit_cast<std::uint64_t>(b.steps[k].q975));
    }
}

// A forecast cannot hang on the unit of the series.
TEST(Forecaster, ScalesWithTheUnit) {
    made::Noise noise(7);
    const Series bytes =
        made::series_of(500, 24, [&](int i) { return wave(i) + 20 * noise.uniform(); });
    Series bits = bytes;
    for (double& value : bits.values) {
        value *= 8;
    }
    const Forecast a = run(bytes, 24);
    const Forecast b = run(bits, 24);
    for (std::size_t k = 0; k < a.steps.size(); ++k) {
        EXPECT_NEAR(8 * a.steps[k].mean, b.steps[k].mean, 1e-3 * b.steps[k].mean);
        EXPECT_NEAR(8 * a.steps[k].q90, b.steps[k].q90, 1e-3 * b.steps[k].q90);
    }
}

TEST(Forecaster, CountsHaveWholeQuantiles) {
    made::Noise noise(8);
    const Series series =
        made::series_of(300, 24, [&](int i) { return std::floor(wave(i) / 10 * noise.uniform()); });
    ForecastOptions options;
    options.horizon = 24;
    options.integer_counts = true;
    for (const Step& step : forecast(series, options).steps) {
        for (const double value : {step.q025, step.q10, step.q50, step.q90, step.q975}) {
            EXPECT_EQ(value, std::round(value));
        }
    }
}

TEST(Forecaster, OldHistoryIsLeftOut) {
    made::Noise noise(8);
    Series series = made::series_of(900, 24, [&](int i) { return wave(i) + noise.normal(); });
    ForecastOptions options;
    options.horizon = 6;
    options.max_history = 400;
    const Forecast all = forecast(series, options);
    for (std::size_t i = 0; i < 500; ++i) {
        series.values[i] = 1e6;
    }
    EXPECT_EQ(forecast(series, options).steps[5].mean, all.steps[5].mean);
}

} // namespace
TEST(ForecasterArrivals, BandIsNeverNarrowerThanPoisson) {
    Series series;
    series.season = 24;
    series.values.assign(24 * 14, 25.0); // a past without any noise
    ForecastOptions options;
    options.horizon = 6;
    const Forecast calm = forecast(series, options);
    options.arrivals = true;
    const Forecast arrivals = forecast(series, options);
    for (std::size_t k = 0; k < arrivals.steps.size(); ++k) {
        EXPECT_DOUBLE_EQ(arrivals.steps[k].mean, calm.steps[k].mean);
        EXPECT_LT(calm.steps[k].q90 - calm.steps[k].q10, 1.0);
        EXPECT_LE(arrivals.steps[k].q025, 25.0 - 1.9 * 5.0); // a Poisson variable's deviation is 5 here
        EXPECT_LE(arrivals.steps[k].q10, 25.0 - 1.2 * 5.0);
        EXPECT_GE(arrivals.steps[k].q90, 25.0 + 1.2 * 5.0);
        EXPECT_GE(arrivals.steps[k].q975, 25.0 + 1.9 * 5.0);
        EXPECT_GE(arrivals.steps[k].q025, 0.0);
    }
}

} // namespace foregate::forecast
