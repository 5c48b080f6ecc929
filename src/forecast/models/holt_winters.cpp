// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/models/holt_winters.h"

#include "forecast/optimize/nelder_mead.h"

#include <algorithm>
#include <array>
#include <limits>

namespace foregate::forecast {
namespace {

constexpr int kMostSeasons = 28;
constexpr int kMostValues = 4032;
constexpr int kSearchEvaluations = 40;

constexpr std::array kAlphas{0.02, 0.15, 0.5};
constexpr std::array kGammas{0.02, 0.1, 0.3};
struct Trend {
    double beta;
    double phi;
};
constexpr std::array kTrends{Trend{0.0, 0.8}, Trend{0.0, 1.0}, Trend{0.02, 0.95}};

HoltWintersWeights as_weights(const std::vector<double>& point) {
    return {point[0], std::min(point[1], point[0]), point[2], point[3]};
}

} // namespace

bool HoltWinters::fit(const History& history, int end) {
    const int season = history.season;
    if (history.on(scale_).empty() || end < 2 * season || end < 6) {
        return false;
    }
    const int window = std::max(std::min(kMostSeasons * season, kMostValues), 2 * season);
    begin_ = std::max(0, end - std::max(window, 6));
    first_ = first_state(history, end);
    HoltWintersState state;
    const auto error = [&](const std::vector<double>& point) {
        state = first_;
        return roll(history, end, as_weights(point), state);
    };
    std::vector<double> best{0.1, 0, 0.1, 1};
    double least = std::numeric_limits<double>::infinity();
    for (const double alpha : kAlphas) {
        for (const double gamma : kGammas) {
            for (const Trend& trend : kTrends) {
                std::vector<double> point{alpha, trend.beta, season > 1 ? gamma : 0.0, trend.phi};
                if (const double value = error(point); value < least) {
                    least = value;
                    best = std::move(point);
                }
            }
        }
    }
    const Box box{{0.001, 0.0, 0.0, 0.7}, {0.999, 0.3, season > 1 ? 0.7 : 0.0, 1.0}};
    weights_ = as_weights(nelder_mead(error, best, box, 0.1, kSearchEvaluations, 1e-4).point);
    return true;
}

// From the first two seasons, taken as a straight line plus a season.
HoltWintersState HoltWinters::first_state(const History& history, int end) const {
    const std::vector<double>& values = history.on(scale_);
    const int season = history.season;
    HoltWintersState state;
    state.seasonal.assign(static_cast<std::size_t>(season), 0.0);
    if (season == 1) {
        state.trend = (values[static_cast<std::size_t>(std::min(begin_ + 5, end - 1))] -
                       values[static_cast<std::size_t>(begin_)]) /
                      5;
        state.level = values[static_cast<std::size_t>(begin_)] - state.trend;
        return state;
    }
    std::array<double, 2> means{};
    for (int i = 0; i < 2 * season; ++i) {
        means[i < season ? 0 : 1] += values[static_cast<std::size_t>(begin_ + i)] / season;
    }
    state.trend = (means[1] - means[0]) / season;
    const double center = (season - 1) / 2.0;
    state.level = means[0] - state.trend * (center + 1);
    for (int i = 0; i < 2 * season; ++i) {
        const double line = means[0] + state.trend * (i - center);
        state.seasonal[static_cast<std::size_t>((begin_ + i) % season)] +=
            (values[static_cast<std::size_t>(begin_ + i)] - line) / 2;
    }
    return state;
}

// Brings the state from begin_ to `end`; the sum of squared one-step errors on the way. A missing
// value moves nothing but the trend.
double HoltWinters::roll(const History& history, int end, const HoltWintersWeights& weights,
                         HoltWintersState& state) const {
    const double* values = history.on(scale_).data();
    const std::uint8_t* observed = history.observed.data();
    const int season = history.season;
    int phase = begin_ % season;
    double level = state.level;
    double trend = state.trend;
    double sum = 0;
    for (int i = begin_; i < end; ++i) {
        double& seasonal = state.seasonal[static_cast<std::size_t>(phase)];
        const double damped = weights.phi * trend;
        const double before = level + damped;
        const double error = observed[i] != 0 ? values[i] - before - seasonal : 0.0;
        level = before + weights.alpha * error;
        trend = damped + weights.beta * error;
        seasonal += weights.gamma * error;
        sum += error * error;
        phase = phase + 1 == season ? 0 : phase + 1;
    }
    state.level = level;
    state.trend = trend;
    return sum;
}

void HoltWinters::predict(const History& history, int origin, std::span<double> out) const {
    HoltWintersState state = first_;
    roll(history, origin, weights_, state);
    double level = state.level;
    double trend = state.trend;
    for (std::size_t k = 0; k < out.size(); ++k) {
        trend *= weights_.phi;
        level += trend;
        const auto phase = (static_cast<std::size_t>(origin) + k) % state.seasonal.size();
        out[k] = history.back(scale_, level + state.seasonal[phase]);
    }
}

} // namespace foregate::forecast
