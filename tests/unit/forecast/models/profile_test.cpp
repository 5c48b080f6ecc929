// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/models/profile.h"

#include "../made_series.h"

#include <gtest/gtest.h>

namespace foregate::forecast {
namespace {

std::vector<double> predict(ProfileForm form, const History& history, std::size_t steps) {
    Profile model(std::move(form));
    std::vector<double> out(steps);
    EXPECT_TRUE(model.fit(history, history.size()));
    model.predict(history, history.size(), out);
    return out;
}

TEST(Profile, MeanAndMedianOverTheLastDays) {
    // Time of day 0: 1, 2, 3, 10; time 1 the same plus 100. Limit 3: the last three days.
    const std::vector<double> level{1, 2, 3, 10};
    const History history = prepare(
        made::series_of(
            8, 2, [&](int i) { return level[static_cast<std::size_t>(i / 2)] + 100 * (i % 2); }),
        2, 100);
    const std::vector<double> mean = predict({.name = "m", .stride = 2, .limit = 3}, history, 2);
    EXPECT_NEAR(mean[0], 5, 1e-9);
    EXPECT_NEAR(mean[1], 105, 1e-9);
    EXPECT_EQ(predict({.name = "m", .stride = 2, .limit = 3, .median = true}, history, 2),
              (std::vector<double>{3, 103}));
    EXPECT_EQ(predict({.name = "m", .stride = 2, .limit = 4, .median = true}, history, 2),
              (std::vector<double>{2.5, 102.5}));
}

TEST(Profile, OneOddDayDoesNotMoveTheMedian) {
    const History history = prepare(
        made::series_of(10 * 24, 24, [](int i) { return i / 24 == 7 ? 0.0 : 50.0 + i % 24; }), 24,
        1000);
    const std::vector<double> out =
        predict({.name = "m", .stride = 24, .median = true}, history, 24);
    for (int k = 0; k < 24; ++k) {
        EXPECT_DOUBLE_EQ(out[static_cast<std::size_t>(k)], 50 + k);
    }
}

TEST(Profile, CorrectionFollowsALevelThatStays) {
    // Days of the same shape at levels that go up and down by 20 for days.
    made::Noise noise(3);
    const History history = prepare(made::series_of(20 * 24, 24,
                                                    [&](int i) {
                                                        const double level =
                                                            (i / 60) % 2 == 0 ? 100 : 140;
                                                        return level + i % 24 + noise.normal();
                                                    }),
                                    4, 1000);
    // 480 / 60 = 8: the last part is at 140, the mean over ten days near 120.
    const double plain = predict({.name = "p", .stride = 24}, history, 1)[0];
    const double corrected = predict({.name = "c", .stride = 24, .corrected = true}, history, 1)[0];
    EXPECT_LT(plain, 130);
    EXPECT_NEAR(corrected, 140, 10);
}

TEST(Profile, NeedsTwoSeasons) {
    const History history = prepare(made::series_of(47, 24, [](int i) { return i * 1.0; }), 1, 100);
    Profile model({.name = "m", .stride = 24});
    EXPECT_FALSE(model.fit(history, 47));
}

} // namespace
} // namespace foregate::forecast
