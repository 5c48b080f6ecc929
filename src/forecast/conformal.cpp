// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/conformal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace foregate::forecast {
namespace {

constexpr std::array kLevels{0.025, 0.1, 0.5, 0.9, 0.975};
constexpr double kPriorBlocks = 2.0;      // weight of the level's scale against blocks at phase
constexpr std::size_t kLaplaceCount = 40; // values of a Laplace distribution among the residuals
constexpr double kWidening = 1.3; // past blocks were forecast by the weights they helped to choose

// Quantile of a Laplace distribution with mean absolute value 1.
double laplace_quantile(double level) {
    return level < 0.5 ? std::log(2 * level) : -std::log(2 * (1 - level));
}

double quantile(const std::vector<double>& sorted, double level) {
    const double at = level * static_cast<double>(sorted.size()) - 0.5;
    const double last = static_cast<double>(sorted.size() - 1);
    const double clamped = std::clamp(at, 0.0, last);
    const auto below = static_cast<std::size_t>(clamped);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    const double share = clamped - static_cast<double>(below);
    return sorted[below] * (1 - share) + sorted[above] * share;
}

// Mean absolute residual over mean level, over all blocks.
double relative_size(std::span<const Residuals> residuals, double level_offset) {
    double error = 0;
    double level = 0;
    for (const Residuals& block : residuals) {
        for (std::size_t k = 0; k < block.actual.size(); ++k) {
            if (!std::isnan(block.actual[k])) {
                error += std::abs(block.actual[k] - block.forecast[k]);
                level += std::abs(block.forecast[k]) + level_offset;
            }
        }
    }
    return level > 0 ? error / level : 0;
}

// The scale of step k for a forecast of this level.
class StepScale {
public:
    StepScale(std::span<const Residuals> residuals, std::size_t horizon, double level_offset)
        : relative_(relative_size(residuals, level_offset)), offset_(level_offset),
          errors_(horizon, 0.0), counts_(horizon, 0.0) {
        for (const Residuals& block : residuals) {
            for (std::size_t k = 0; block.at_phase && k < horizon; ++k) {
                if (!std::isnan(block.actual[k])) {
                    errors_[k] += std::abs(block.actual[k] - block.forecast[k]);
                    counts_[k] += 1;
                }
            }
        }
    }
    double at_phase(std::size_t k, double forecast) const {
        return (errors_[k] + kPriorBlocks * by_level(forecast)) / (counts_[k] + kPriorBlocks);
    }
    double by_level(double forecast) const { return relative_ * (std::abs(forecast) + offset_); }

private:
    double relative_;
    double offset_;
    std::vector<double> errors_;
    std::vector<double> counts_;
};

Step step_at(double mean, double scale, const std::array<double, kLevels.size()>& quantiles) {
    return {mean,
            mean + scale * quantiles[0],
            mean + scale * quantiles[1],
            mean + scale * quantiles[2],
            mean + scale * quantiles[3],
            mean + scale * quantiles[4]};
}

} // namespace

std::vector<Step> conformal_bands(std::span<const double> mean,
                                  std::span<const Residuals> residuals, double level_offset) {
    const StepScale scale(residuals, mean.size(), level_offset);
    std::vector<double> units;
    for (const Residuals& block : residuals) {
        for (std::size_t k = 0; block.at_phase && k < block.actual.size(); ++k) {
            const double size = scale.at_phase(k, block.forecast[k]);
            if (!std::isnan(block.actual[k]) && size > 0) {
                units.push_back((block.actual[k] - block.forecast[k]) / size);
            }
        }
    }
    for (std::size_t i = 0; i < kLaplaceCount; ++i) {
        units.push_back(laplace_quantile((static_cast<double>(i) + 0.5) / kLaplaceCount));
    }
    std::sort(units.begin(), units.end());
    std::array<double, kLevels.size()> quantiles{};
    for (std::size_t q = 0; q < kLevels.size(); ++q) {
        quantiles[q] = (q == 2 ? 1 : kWidening) * quantile(units, kLevels[q]);
    }
    std::sort(quantiles.begin(), quantiles.end());
    std::vector<Step> steps;
    for (std::size_t k = 0; k < mean.size(); ++k) {
        steps.push_back(step_at(mean[k], scale.at_phase(k, mean[k]), quantiles));
    }
    return steps;
}

std::vector<Step> plain_bands(std::span<const double> mean, double mean_absolute_change) {
    std::array<double, kLevels.size()> quantiles{};
    for (std::size_t q = 0; q < kLevels.size(); ++q) {
        quantiles[q] = laplace_quantile(kLevels[q]);
    }
    std::vector<Step> steps;
    for (std::size_t k = 0; k < mean.size(); ++k) {
        const double growth = std::sqrt(static_cast<double>(k + 1));
        steps.push_back(step_at(mean[k], mean_absolute_change * growth, quantiles));
    }
    return steps;
}

} // namespace foregate::forecast
