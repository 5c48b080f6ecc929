// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/models/lag_regression.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <set>

namespace foregate::forecast {
namespace {

constexpr int kMostRows = 2016;
constexpr double kRidge = 1e-3;         // of the mean diagonal of the Gram matrix
constexpr double kFarthestShare = 0.61; // of the history: the rest gives the rows
constexpr int kRowsPerLag = 4;          // at least
constexpr int kLeastReach = 16;

Eigen::VectorXd solve_ridge(const Eigen::MatrixXd& past, const Eigen::VectorXd& target) {
    const Eigen::Index columns = past.cols();
    Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(columns, columns);
    gram.selfadjointView<Eigen::Lower>().rankUpdate(past.transpose());
    const double ridge = kRidge * gram.trace() / static_cast<double>(columns);
    gram.diagonal().array() += ridge > 0 ? ridge : 1.0;
    const Eigen::VectorXd right = past.transpose() * target;
    return gram.selfadjointView<Eigen::Lower>().ldlt().solve(right);
}

} // namespace

std::vector<int> sparse_lags(int season, int long_season, int farthest) {
    std::set<int> lags{1, 2, 3, 4, 5, 6};
    const auto around = [&lags](int center, int reach) {
        for (int lag = center - reach; lag <= center + reach; ++lag) {
            lags.insert(lag);
        }
    };
    if (season > 1) {
        lags.insert(season / 2);
        around(season, 2);
        around(2 * season, 1);
        for (const int seasons : {3, 4, 5, 6, 8, 14}) {
            lags.insert(seasons * season);
        }
        around(long_season > season ? long_season : 7 * season, 2);
    }
    std::vector<int> out;
    std::copy_if(lags.begin(), lags.end(), std::back_inserter(out),
                 [farthest](int lag) { return lag >= 1 && lag <= farthest; });
    return out;
}

bool LagRegression::choose_lags(const History& history, int end) {
    const int reach = end - form_.difference;
    lags_ =
        sparse_lags(history.season, history.long_season, static_cast<int>(kFarthestShare * reach));
    while (!lags_.empty() &&
           reach - lags_.back() < kRowsPerLag * static_cast<int>(lags_.size() + 1)) {
        lags_.pop_back();
    }
    return !lags_.empty() && reach >= kLeastReach;
}

bool LagRegression::fit(const History& history, int end) {
    const std::vector<double>& values = history.on(form_.scale);
    if (values.empty() || (form_.difference > 0 && history.season <= 1) ||
        !choose_lags(history, end)) {
        return false;
    }
    const int first = std::max(lags_.back() + form_.difference, end - kMostRows);
    std::vector<int> targets; // the steps that make the rows
    center_ = 0;
    for (int i = first; i < end; ++i) {
        if (form_.difference == 0) {
            center_ += values[static_cast<std::size_t>(i)] / (end - first);
        }
        if (history.seen(i)) {
            targets.push_back(i);
        }
    }
    const auto term = [&](int i) {
        const double past =
            form_.difference > 0 ? values[static_cast<std::size_t>(i - form_.difference)] : center_;
        return values[static_cast<std::size_t>(i)] - past;
    };
    const auto rows = static_cast<Eigen::Index>(targets.size());
    const auto columns = static_cast<Eigen::Index>(lags_.size());
    if (rows < kRowsPerLag * columns) {
        return false;
    }
    Eigen::MatrixXd past(rows, columns);
    Eigen::VectorXd target(rows);
    for (Eigen::Index row = 0; row < rows; ++row) {
        target(row) = term(targets[static_cast<std::size_t>(row)]);
    }
    for (Eigen::Index c = 0; c < columns; ++c) {
        const int lag = lags_[static_cast<std::size_t>(c)];
        for (Eigen::Index row = 0; row < rows; ++row) {
            past(row, c) = term(targets[static_cast<std::size_t>(row)] - lag);
        }
    }
    const Eigen::VectorXd solved = solve_ridge(past, target);
    weights_.assign(solved.data(), solved.data() + solved.size());
    return solved.allFinite();
}

void LagRegression::predict(const History& history, int origin, std::span<double> out) const {
    const std::vector<double>& values = history.on(form_.scale);
    const int reach = lags_.back() + form_.difference;
    // The last `reach` values, and after them the forecasts. A history shorter than the lags
    // (an origin before the fit's end) repeats its first value.
    std::vector<double> path(static_cast<std::size_t>(reach) + out.size());
    for (int i = 0; i < reach; ++i) {
        path[static_cast<std::size_t>(i)] =
            values[static_cast<std::size_t>(std::max(0, origin - reach + i))];
    }
    const double lowest =
        form_.scale == Scale::raw ? history.low : std::log(history.low + history.log_offset);
    const double highest =
        form_.scale == Scale::raw ? history.high : std::log(history.high + history.log_offset);
    for (std::size_t k = 0; k < out.size(); ++k) {
        const std::size_t now = static_cast<std::size_t>(reach) + k;
        const auto difference = static_cast<std::size_t>(form_.difference);
        double next = difference > 0 ? path[now - difference] : center_;
        for (std::size_t j = 0; j < lags_.size(); ++j) {
            const std::size_t then = now - static_cast<std::size_t>(lags_[j]);
            const double past = difference > 0 ? path[then - difference] : center_;
            next += weights_[j] * (path[then] - past);
        }
        path[now] = std::clamp(next, lowest, highest);
        out[k] = history.back(form_.scale, path[now]);
    }
}

} // namespace foregate::forecast
