// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/models/exponential_smoothing.h"

#include <algorithm>
#include <cmath>

namespace foregate::forecast {
namespace {

constexpr int kSmoothingWindow = 1024; // values; older ones have no weight left
constexpr int kThetaSeasons = 14;

std::span<const double> part(const std::vector<double>& values, int begin, int end) {
    return std::span(values).subspan(static_cast<std::size_t>(begin),
                                     static_cast<std::size_t>(end - begin));
}

std::span<const std::uint8_t> part(const std::vector<std::uint8_t>& flags, int begin, int end) {
    return std::span(flags).subspan(static_cast<std::size_t>(begin),
                                    static_cast<std::size_t>(end - begin));
}

// values = seasonal + rest: seasonal indices (phase counted from the window's first value) as means
// over the seasons of the distance from the season's mean; sum to zero.
struct Adjusted {
    std::vector<double> seasonal;
    std::vector<double> rest;
};

Adjusted adjust(std::span<const double> values, std::size_t season) {
    Adjusted out{std::vector<double>(season, 0.0), {values.begin(), values.end()}};
    const std::size_t seasons = values.size() / season;
    if (season > 1 && seasons >= 2) {
        const std::size_t first = values.size() - seasons * season;
        for (std::size_t s = 0; s < seasons; ++s) {
            double mean = 0;
            for (std::size_t i = 0; i < season; ++i) {
                mean += values[first + s * season + i] / static_cast<double>(season);
            }
            for (std::size_t i = 0; i < season; ++i) {
                const std::size_t at = first + s * season + i;
                out.seasonal[at % season] += (values[at] - mean) / static_cast<double>(seasons);
            }
        }
        for (std::size_t i = 0; i < values.size(); ++i) {
            out.rest[i] -= out.seasonal[i % season];
        }
    }
    return out;
}

// Slope of the least squares line per step; 0 for fewer than three values.
double slope(std::span<const double> values) {
    if (values.size() < 3) {
        return 0;
    }
    const auto size = static_cast<double>(values.size());
    double mean = 0;
    for (const double value : values) {
        mean += value / size;
    }
    double product = 0;
    double square = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double time = static_cast<double>(i) - (size - 1) / 2;
        product += time * (values[i] - mean);
        square += time * time;
    }
    return product / square;
}

} // namespace

SmoothedLevel smooth_level(std::span<const double> values, std::span<const std::uint8_t> observed,
                           double alpha) {
    SmoothedLevel out{values.front(), 0};
    for (std::size_t i = 1; i < values.size(); ++i) {
        if (observed[i] != 0) {
            const double error = values[i] - out.level;
            out.squared_error += error * error;
            out.level += alpha * error;
        }
    }
    return out;
}

double fit_alpha(std::span<const double> values, std::span<const std::uint8_t> observed) {
    double best = 1;
    double least = smooth_level(values, observed, best).squared_error;
    const auto try_alpha = [&](double alpha) {
        const double error = smooth_level(values, observed, alpha).squared_error;
        if (error < least) {
            least = error;
            best = alpha;
        }
    };
    for (int tenth = 1; tenth < 10; ++tenth) {
        try_alpha(tenth / 10.0);
    }
    for (double step = 0.05; step > 0.005; step /= 2) {
        const double center = best;
        try_alpha(std::max(center - step, 0.005));
        try_alpha(std::min(center + step, 1.0));
    }
    return best;
}

bool SimpleSmoothing::fit(const History& history, int end) {
    if (end < 1) {
        return false;
    }
    const int begin = std::max(0, end - kSmoothingWindow);
    alpha_ = given_.value_or(0);
    if (!given_) {
        alpha_ = fit_alpha(part(history.values, begin, end), part(history.observed, begin, end));
    }
    return true;
}

void SimpleSmoothing::predict(const History& history, int origin, std::span<double> out) const {
    const int begin = std::max(0, origin - kSmoothingWindow);
    const double level = smooth_level(part(history.values, begin, origin),
                                      part(history.observed, begin, origin), alpha_)
                             .level;
    std::fill(out.begin(), out.end(), history.back(Scale::raw, level));
}

int Theta::window_begin(const History& history, int origin) const {
    const int window = std::max(kThetaSeasons * history.season, 3 * 24);
    return std::max(0, origin - window);
}

bool Theta::fit(const History& history, int end) {
    if (history.on(scale_).empty() || end < 3 || (history.season > 1 && end < 2 * history.season)) {
        return false;
    }
    const int begin = window_begin(history, end);
    const Adjusted adjusted =
        adjust(part(history.on(scale_), begin, end), static_cast<std::size_t>(history.season));
    alpha_ = fit_alpha(adjusted.rest, part(history.observed, begin, end));
    return true;
}

void Theta::predict(const History& history, int origin, std::span<double> out) const {
    const int begin = window_begin(history, origin);
    const auto season = static_cast<std::size_t>(history.season);
    const Adjusted adjusted = adjust(part(history.on(scale_), begin, origin), season);
    const double drift = slope(adjusted.rest) / 2;
    const auto size = static_cast<double>(adjusted.rest.size());
    const double level =
        smooth_level(adjusted.rest, part(history.observed, begin, origin), alpha_).level;
    const double lag = (1 - std::pow(1 - alpha_, size)) / alpha_;
    for (std::size_t k = 0; k < out.size(); ++k) {
        const double seasonal = adjusted.seasonal[(adjusted.rest.size() + k) % season];
        out[k] = history.back(scale_, level + drift * (static_cast<double>(k) + lag) + seasonal);
    }
}

} // namespace foregate::forecast
