// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/combination.h"

#include <algorithm>
#include <numeric>

namespace foregate::forecast {
namespace {

constexpr double kNeededLead = 0.02;
constexpr double kLeastShare = 1e-6; // an exact member's error counts as this share of the worst

double weighted_median(std::span<const double> values, std::span<const double> weights) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    double passed = 0;
    double before_value = values[order.front()];
    double before_middle = 0;
    for (const std::size_t i : order) {
        const double middle = passed + weights[i] / 2;
        if (middle >= 0.5) {
            const double gap = middle - before_middle;
            const double share = gap > 0 ? (0.5 - before_middle) / gap : 1;
            return before_value + std::clamp(share, 0.0, 1.0) * (values[i] - before_value);
        }
        passed += weights[i];
        before_value = values[i];
        before_middle = middle;
    }
    return values[order.back()];
}

} // namespace

std::vector<double> error_weights(std::span<const double> errors) {
    std::vector<double> weights(errors.size(), 1.0);
    const double worst = errors.empty() ? 0 : *std::max_element(errors.begin(), errors.end());
    if (worst > 0) {
        const double floor = kLeastShare * worst;
        const double best = std::max(*std::min_element(errors.begin(), errors.end()), floor);
        for (std::size_t i = 0; i < errors.size(); ++i) {
            const double share = best / std::max(errors[i], floor);
            weights[i] = share * share * share * share;
        }
    }
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& weight : weights) {
        weight /= sum;
    }
    return weights;
}

void shrink_to_naive(std::vector<double>& weights, double combined, double best_naive,
                     std::size_t naive) {
    const double lead = best_naive > 0 ? 1 - combined / best_naive : 0;
    const double kept = best_naive > 0 ? std::clamp(lead / kNeededLead, 0.0, 1.0) : 1.0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        weights[i] = kept * weights[i] + (i == naive ? 1 - kept : 0);
    }
}

double pool(std::span<const double> values, std::span<const double> weights, Pooling pooling) {
    if (pooling == Pooling::median) {
        return weighted_median(values, weights);
    }
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        sum += weights[i] * values[i];
    }
    return sum;
}

} // namespace foregate::forecast
