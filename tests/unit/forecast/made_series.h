// SPDX-License-Identifier: BSD-3-Clause
// Series made up for tests: the same on every machine, noise from a seed.
#pragma once

#include "forecast/series.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace foregate::forecast::made {

// Uniform numbers in [0, 1) by the 64-bit LCG of Knuth's MMIX.
class Noise {
public:
    explicit Noise(std::uint64_t seed) : state_(seed * 2654435761U + 1) { uniform(); }
    double uniform() {
        state_ = state_ * 6364136223846793005U + 1442695040888963407U;
        return static_cast<double>(state_ >> 11) * 0x1.0p-53;
    }
    // Mean 0, standard deviation 1 (sum of twelve uniforms).
    double normal() {
        double sum = -6;
        for (int i = 0; i < 12; ++i) {
            sum += uniform();
        }
        return sum;
    }

private:
    std::uint64_t state_;
};

constexpr int kDay = 288; // 5-minute buckets
constexpr int kWeek = 7 * kDay;
constexpr int kTwoWeeks = 2 * kWeek;
constexpr int kSurgeBegin = 14 * 12; // 14:00
constexpr int kSurgeEnd = 15 * 12;
constexpr double kSurge = 1000;

// Weekdays: 0 Monday .. 6 Sunday. All surge series start at 00:00 of some day.
struct SurgeForm {
    int end_weekday = 2;           // the forecast is made on this day ...
    int end_minute = 13 * 60 + 50; // ... at this minute, after two weeks of history
    int missing_days_ago = 0; // on this day before the end's day there was no surge; 0: none such
    bool day_types = true;
    double surge = kSurge;
    std::uint64_t seed = 1;
};

struct Surge {
    Series series;             // 4032 values
    std::vector<double> truth; // without noise, for the `horizon` steps that follow
};

// Nearly nothing all day (0 to 4), on working days 14:00 to 15:00 about `surge` with 10 % noise.
inline Surge surge(const SurgeForm& form, int horizon) {
    Noise noise(form.seed);
    Surge out;
    out.series.season = kDay;
    out.series.long_season = kWeek;
    const int end = form.end_minute / 5; // step of the end's day
    for (int i = -kTwoWeeks; i < horizon; ++i) {
        const int step = end + i + 100 * kDay;
        const int day = step / kDay - 100; // 0: the end's day
        const int weekday = ((form.end_weekday + day) % 7 + 14) % 7;
        const int time = step % kDay;
        const bool working = weekday < 5;
        const bool high = working && time >= kSurgeBegin && time < kSurgeEnd &&
                          (form.missing_days_ago == 0 || day != -form.missing_days_ago);
        const double level = high ? form.surge : 2;
        if (form.day_types) {
            out.series.day_type.push_back(static_cast<std::uint8_t>(working        ? 0
                                                                    : weekday == 5 ? 1
                                                                                   : 2));
        }
        if (i < 0) {
            const double value = high ? level * (1 + 0.1 * noise.normal()) : 4 * noise.uniform();
            out.series.values.push_back(value > 0 ? value : 0);
        } else {
            out.truth.push_back(level);
        }
    }
    return out;
}

// `length` values of f(index).
inline Series series_of(int length, int season, const std::function<double(int)>& f) {
    Series out;
    out.season = season;
    for (int i = 0; i < length; ++i) {
        out.values.push_back(f(i));
    }
    return out;
}

} // namespace foregate::forecast::made
