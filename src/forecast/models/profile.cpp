// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/models/profile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace foregate::forecast {
namespace {

constexpr int kLevelMemory = 24; // residuals that make the level
constexpr std::array kSmoothings{0.1, 0.3, 0.6, 1.0};
constexpr std::array kFadings{0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.995, 1.0};
constexpr std::array<std::size_t, 6> kLeads{1,  2, 4, 8,
                                            16, 32}; // steps ahead at which a correction is tried

double middle(std::vector<double>& work) {
    const std::size_t half = work.size() / 2;
    std::nth_element(work.begin(), work.begin() + static_cast<std::ptrdiff_t>(half), work.end());
    if (work.size() % 2 == 1) {
        return work[half];
    }
    const double below =
        *std::max_element(work.begin(), work.begin() + static_cast<std::ptrdiff_t>(half));
    return below / 2 + work[half] / 2;
}

double mean(const std::vector<double>& work) {
    double sum = 0;
    for (const double value : work) {
        sum += value / static_cast<double>(work.size());
    }
    return sum;
}

} // namespace

bool Profile::fit(const History& history, int end) {
    if (form_.stride <= 1 || end < 2 * form_.stride || history.on(form_.scale).empty()) {
        return false;
    }
    if (form_.corrected) {
        fit_correction(history, end);
    }
    return true;
}

double Profile::shape(const History& history, int target, int origin, std::vector<int>& days,
                      std::vector<double>& work) const {
    history.analogues(target, origin, form_.stride, form_.typed, form_.limit, days);
    const std::vector<double>& values = history.on(form_.scale);
    if (days.empty()) {
        return values[static_cast<std::size_t>(origin - 1)];
    }
    work.clear();
    for (const int day : days) {
        work.push_back(values[static_cast<std::size_t>(day)]);
    }
    return form_.median ? middle(work) : mean(work);
}

// Exponentially smoothed level of the residuals before `end`.
double Profile::level(const std::vector<double>& residuals, std::size_t end,
                      double smoothing) const {
    const std::size_t begin = end > kLevelMemory ? end - kLevelMemory : 0;
    double sum = 0;
    double weights = 0;
    double weight = 1;
    for (std::size_t i = end; i > begin; --i) {
        if (!std::isnan(residuals[i - 1])) {
            sum += weight * residuals[i - 1];
            weights += weight;
        }
        weight *= 1 - smoothing;
    }
    return weights > 0 ? sum / weights : 0;
}

void Profile::fit_correction(const History& history, int end) {
    const int begin = std::max(form_.stride, end - std::clamp(2 * history.season, 100, 600));
    std::vector<int> days;
    std::vector<double> work;
    std::vector<double> residuals;
    for (int i = begin; i < end; ++i) {
        const double shaped = shape(history, i, i, days, work);
        residuals.push_back(history.seen(i)
                                ? history.on(form_.scale)[static_cast<std::size_t>(i)] - shaped
                                : std::numeric_limits<double>::quiet_NaN());
    }
    std::array<std::array<double, kFadings.size()>, kLeads.size()> faded{};
    for (std::size_t l = 0; l < kLeads.size(); ++l) {
        for (std::size_t f = 0; f < kFadings.size(); ++f) {
            faded[l][f] = std::pow(kFadings[f], static_cast<double>(kLeads[l]));
        }
    }
    double best = std::numeric_limits<double>::infinity();
    for (const double smoothing : kSmoothings) {
        std::array<double, kFadings.size()> errors{};
        for (std::size_t i = 1; i < residuals.size(); ++i) {
            const double now = level(residuals, i, smoothing);
            for (std::size_t l = 0; l < kLeads.size(); ++l) {
                const std::size_t target = i + kLeads[l] - 1;
                if (target >= residuals.size() || std::isnan(residuals[target])) {
                    continue;
                }
                for (std::size_t f = 0; f < kFadings.size(); ++f) {
                    errors[f] += std::abs(residuals[target] - now * faded[l][f]);
                }
            }
        }
        for (std::size_t f = 0; f < kFadings.size(); ++f) {
            if (errors[f] < best) {
                best = errors[f];
                smoothing_ = smoothing;
                fading_ = kFadings[f];
            }
        }
    }
}

void Profile::predict(const History& history, int origin, std::span<double> out) const {
    std::vector<int> days;
    std::vector<double> work;
    double correction = 0;
    if (form_.corrected) {
        std::vector<double> residuals;
        for (int i = std::max(1, origin - kLevelMemory); i < origin; ++i) {
            const double shaped = shape(history, i, i, days, work);
            residuals.push_back(history.seen(i)
                                    ? history.on(form_.scale)[static_cast<std::size_t>(i)] - shaped
                                    : std::numeric_limits<double>::quiet_NaN());
        }
        correction = level(residuals, residuals.size(), smoothing_);
    }
    for (std::size_t k = 0; k < out.size(); ++k) {
        correction *= fading_;
        const double shaped = shape(history, origin + static_cast<int>(k), origin, days, work);
        out[k] = history.back(form_.scale, shaped + correction);
    }
}

} // namespace foregate::forecast
