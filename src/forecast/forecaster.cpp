// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/forecaster.h"

#include "forecast/backtest.h"
#include "forecast/combination.h"
#include "forecast/conformal.h"
#include "forecast/history.h"
#include "forecast/pool.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>

namespace foregate::forecast {
namespace {

constexpr double kMedianLevelShare = 0.5; // of the median, in the level that bands go by
constexpr double kMeanLevelShare = 0.01;

constexpr int kMostSteps = 1'000'000; // keeps products of steps within an int

using Members = std::vector<std::unique_ptr<Model>>;

void require(bool condition, const std::string& message) {
    if (!condition) {
        throw std::invalid_argument("forecast: " + message);
    }
}

void check(const Series& series, const ForecastOptions& options) {
    require(options.horizon >= 1,
            "horizon must be at least 1, not " + std::to_string(options.horizon));
    require(options.horizon <= kMostSteps, "horizon must be at most a million");
    require(options.origins >= 1, "origins must be at least 1");
    require(options.phase_origins >= 0, "phase_origins must not be negative");
    require(options.recent_origins >= 0, "recent_origins must not be negative");
    require(options.max_history >= 1, "max_history must be at least 1");
    require(series.season >= 1, "season must be at least 1, not " + std::to_string(series.season));
    require(series.long_season >= 0, "long_season must not be negative");
    require(std::max(series.season, series.long_season) <= kMostSteps,
            "season and long_season must be at most a million");
    for (std::size_t i = 0; i < series.values.size(); ++i) {
        require(!std::isinf(series.values[i]), "value " + std::to_string(i) + " is infinite");
    }
    const std::size_t days = series.values.size() + static_cast<std::size_t>(options.horizon);
    require(series.day_type.empty() || series.day_type.size() == days,
            "day_type must have one entry per value and per step: expected " +
                std::to_string(days) + ", got " + std::to_string(series.day_type.size()));
}

// Values so large (or small) that squares of them leave the range of a double are brought to
// about 1 by a power of two, which is exact. The factor to multiply forecasts by; 1 mostly.
double normalise(std::vector<double>& values) {
    double most = 0;
    for (const double value : values) {
        most = std::isnan(value) ? most : std::max(most, std::abs(value));
    }
    if (most == 0 || (most < 1e60 && most > 1e-60)) {
        return 1;
    }
    const int exponent = std::ilogb(most);
    for (double& value : values) {
        value = std::scalbn(value, -exponent);
    }
    return std::scalbn(1.0, exponent);
}

// The pool of one series after its backtest.
class Combination {
public:
    Combination(const History& history, const ForecastOptions& options, std::vector<Origin> origins)
        : history_(history), relative_(options.horizon >= history.season),
          pooling_(relative_ ? Pooling::mean : Pooling::median), members_(make_members(history)),
          backtest_(history, std::move(origins), options.horizon, members_) {
        const std::size_t all = backtest_.origins().size();
        errors_ = backtest_.errors(relative_, all);
        weights_ = error_weights(errors_);
        take_residuals();
        shrink();
    }

    std::vector<double> predict(int horizon) {
        std::vector<std::vector<double>> predictions;
        for (std::size_t m = 0; m < members_.size(); ++m) {
            predictions.emplace_back(static_cast<std::size_t>(horizon), 0.0);
            if (members_[m]->fit(history_, history_.size())) {
                members_[m]->predict(history_, history_.size(), predictions.back());
            } else {
                drop(m);
            }
        }
        std::vector<double> out;
        std::vector<double> column(members_.size());
        for (std::size_t k = 0; k < static_cast<std::size_t>(horizon); ++k) {
            for (std::size_t m = 0; m < members_.size(); ++m) {
                column[m] = predictions[m][k];
            }
            out.push_back(pool(column, weights_, pooling_));
        }
        return out;
    }

    const std::vector<Residuals>& residuals() const { return residuals_; }

    void report(Forecast& out) const {
        for (std::size_t m = 0; m < members_.size(); ++m) {
            out.members.push_back({members_[m]->name(), weights_[m], errors_[m]});
        }
        std::stable_sort(out.members.begin(), out.members.end(),
                         [](const auto& a, const auto& b) { return a.weight > b.weight; });
        out.chosen = out.members.front().name;
    }

private:
    // Each block forecast with weights from the other blocks only.
    void take_residuals() {
        std::vector<double> column(members_.size());
        for (std::size_t o = 0; o < backtest_.origins().size(); ++o) {
            const std::vector<double> weights = backtest_.origins().size() > 1
                                                    ? error_weights(backtest_.errors(relative_, o))
                                                    : weights_;
            const std::span<const double> actual = backtest_.actual(o);
            Residuals block;
            block.at_phase = backtest_.origins()[o].at_phase;
            block.actual.assign(actual.begin(), actual.end());
            for (std::size_t k = 0; k < actual.size(); ++k) {
                for (std::size_t m = 0; m < members_.size(); ++m) {
                    column[m] = backtest_.prediction(m, o)[k];
                }
                block.forecast.push_back(pool(column, weights, pooling_));
            }
            residuals_.push_back(std::move(block));
        }
        const bool any_at_phase =
            std::any_of(residuals_.begin(), residuals_.end(),
                        [](const Residuals& block) { return block.at_phase; });
        for (Residuals& block : residuals_) {
            block.at_phase = block.at_phase || !any_at_phase;
        }
    }

    // The combination's own absolute error, with the weights found, against the best naive's.
    void shrink() {
        std::vector<double> sums(members_.size(), 0.0);
        std::vector<double> column(members_.size());
        double combined = 0;
        for (std::size_t o = 0; o < backtest_.origins().size(); ++o) {
            const std::span<const double> actual = backtest_.actual(o);
            for (std::size_t k = 0; k < actual.size(); ++k) {
                if (std::isnan(actual[k])) {
                    continue;
                }
                for (std::size_t m = 0; m < members_.size(); ++m) {
                    column[m] = backtest_.prediction(m, o)[k];
                    sums[m] += std::abs(actual[k] - column[m]);
                }
                combined += std::abs(actual[k] - pool(column, weights_, pooling_));
            }
        }
        std::size_t naive = 0; // last_value, always there
        for (std::size_t m = 0; m < members_.size(); ++m) {
            if (members_[m]->is_naive() && sums[m] < sums[naive]) {
                naive = m;
            }
        }
        shrink_to_naive(weights_, combined, sums[naive], naive);
    }

    void drop(std::size_t member) {
        weights_[member] = 0;
        const double rest = std::accumulate(weights_.begin(), weights_.end(), 0.0);
        for (std::size_t m = 0; m < weights_.size(); ++m) {
            weights_[m] = rest > 0 ? weights_[m] / rest : (m == 0 ? 1.0 : 0.0);
        }
    }

    const History& history_;
    bool relative_;
    Pooling pooling_;
    Members members_;
    Backtest backtest_;
    std::vector<double> errors_;
    std::vector<double> weights_;
    std::vector<Residuals> residuals_;
};

// What the bands' size goes by, beside the forecast itself: keeps it above zero at zero.
double level_offset(const History& history) {
    std::vector<double> sizes;
    double mean = 0;
    for (const double value : history.values) {
        sizes.push_back(std::abs(value));
        mean += std::abs(value) / static_cast<double>(history.values.size());
    }
    const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
    std::nth_element(sizes.begin(), middle, sizes.end());
    return kMedianLevelShare * *middle + kMeanLevelShare * mean;
}

double mean_absolute_change(const History& history) {
    double sum = 0;
    for (int i = 1; i < history.size(); ++i) {
        sum += std::abs(history.at(i) - history.at(i - 1));
    }
    return history.size() > 1 ? sum / (history.size() - 1) : 0;
}

// Too short for a backtest: the season before if there is one, else the mean of the last values.
void without_backtest(const History& history, int horizon, Forecast& out) {
    const int size = history.size();
    const bool seasonal = history.season > 1 && size >= history.season;
    std::vector<double> mean;
    for (int k = 0; k < horizon; ++k) {
        if (seasonal) {
            mean.push_back(history.at(size - history.season + k % history.season));
            continue;
        }
        const int window = std::min(size, 3);
        double level = 0;
        for (int i = size - window; i < size; ++i) {
            level += history.at(i) / window;
        }
        mean.push_back(level);
    }
    out.steps = plain_bands(mean, mean_absolute_change(history));
    out.chosen = seasonal ? "seasonal_naive" : "mean_of_last";
    out.members.push_back({out.chosen, 1.0, 0.0});
    out.fallback = true;
    out.note = "only " + std::to_string(size) + " values: too few for a backtest";
}

double finish(double value, const History& history, double factor) {
    const double limited = std::clamp(value, history.low, history.high) * factor;
    return std::clamp(limited, std::numeric_limits<double>::lowest(),
                      std::numeric_limits<double>::max());
}

// At least the spread of a Poisson variable with this mean: its variance is its mean.
void widen_to_poisson(Step& step) {
    constexpr double kZ90 = 1.2816; // standard normal quantiles
    constexpr double kZ975 = 1.96;
    const double deviation = std::sqrt(std::max(step.mean, 0.0));
    step.q025 = std::max(0.0, std::min(step.q025, step.mean - kZ975 * deviation));
    step.q10 = std::max(0.0, std::min(step.q10, step.mean - kZ90 * deviation));
    step.q90 = std::max(step.q90, step.mean + kZ90 * deviation);
    step.q975 = std::max(step.q975, step.mean + kZ975 * deviation);
}

void finish_steps(Forecast& out, const History& history, double factor,
                  const ForecastOptions& options) {
    for (Step& step : out.steps) {
        for (double* value :
             {&step.mean, &step.q025, &step.q10, &step.q50, &step.q90, &step.q975}) {
            *value = finish(*value, history, factor);
        }
        if (options.arrivals) {
            widen_to_poisson(step);
        }
        if (options.integer_counts) {
            step.q025 = std::floor(step.q025);
            step.q10 = std::floor(step.q10);
            step.q50 = std::round(step.q50);
            step.q90 = std::ceil(step.q90);
            step.q975 = std::ceil(step.q975);
        }
    }
}

} // namespace

Forecast forecast(const Series& series, const ForecastOptions& options) {
    check(series, options);
    Series scaled = series;
    const double factor = normalise(scaled.values);
    const History history = prepare(scaled, options.horizon, options.max_history);
    Forecast out;
    if (history.size() == 0) {
        out.steps.assign(static_cast<std::size_t>(options.horizon), Step{});
        out.members.push_back({"zero", 1.0, 0.0});
        out.chosen = "zero";
        out.fallback = true;
        out.note = series.values.empty() ? "no values" : "all values are missing";
        return out;
    }
    std::vector<Origin> origins = plan_origins(history, options);
    if (origins.empty()) {
        without_backtest(history, options.horizon, out);
    } else {
        Combination combination(history, options, std::move(origins));
        const std::vector<double> mean = combination.predict(options.horizon);
        out.steps = conformal_bands(mean, combination.residuals(), level_offset(history));
        combination.report(out);
    }
    finish_steps(out, history, factor, options);
    return out;
}

} // namespace foregate::forecast
