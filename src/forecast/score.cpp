// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/score.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace foregate::forecast {
namespace {

double ratio(double part, double whole) {
    if (part == 0) {
        return 0;
    }
    return whole > 0 ? part / whole : std::numeric_limits<double>::infinity();
}

// Mean of loss(y, f) over the pairs with a number; 0 if there is none.
template <typename Loss>
double mean_loss(std::span<const double> actual, std::span<const double> forecast, Loss loss) {
    double sum = 0;
    double count = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) {
        if (!std::isnan(actual[i]) && !std::isnan(forecast[i])) {
            sum += loss(actual[i], forecast[i]);
            count += 1;
        }
    }
    return count > 0 ? sum / count : 0;
}

} // namespace

double mase_scale(std::span<const double> history, int season) {
    const auto back = static_cast<std::size_t>(season);
    if (history.size() <= back) {
        return 0;
    }
    return mean_loss(history.subspan(back), history.first(history.size() - back),
                     [](double now, double then) { return std::abs(now - then); });
}

double mase(std::span<const double> actual, std::span<const double> forecast, double scale) {
    return ratio(mean_loss(actual, forecast, [](double y, double f) { return std::abs(y - f); }),
                 scale);
}

double smape(std::span<const double> actual, std::span<const double> forecast) {
    return mean_loss(actual, forecast, [](double y, double f) {
        return 200 * ratio(std::abs(y - f), std::abs(y) + std::abs(f));
    });
}

double wape(std::span<const double> actual, std::span<const double> forecast) {
    return ratio(mean_loss(actual, forecast, [](double y, double f) { return std::abs(y - f); }),
                 mean_loss(actual, forecast, [](double y, double) { return std::abs(y); }));
}

double pinball(std::span<const double> actual, std::span<const double> forecast, double level) {
    return mean_loss(actual, forecast, [level](double y, double f) {
        return std::max(level * (y - f), (level - 1) * (y - f));
    });
}

} // namespace foregate::forecast
