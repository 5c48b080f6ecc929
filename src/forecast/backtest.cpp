// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/backtest.h"

#include "forecast/score.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace foregate::forecast {
namespace {

constexpr int kLeastHistory = 8;       // values before an origin
constexpr std::size_t kFewOrigins = 3; // of the target's own day type: take its kind too

// Origins whole days back; if `same` is given only those days for which it is true.
template <typename Same>
void add_days(const History& history, int earliest, int limit, std::vector<Origin>& out,
              Same same) {
    const int size = history.size();
    for (int i = size - history.season; i >= earliest; i -= history.season) {
        const bool known = std::any_of(out.begin(), out.end(),
                                       [i](const Origin& origin) { return origin.index == i; });
        if (static_cast<int>(out.size()) < limit && !known && same(i)) {
            out.push_back({i, true});
        }
    }
}

} // namespace

std::vector<Origin> plan_origins(const History& history, const ForecastOptions& options) {
    const int size = history.size();
    const int season = history.season;
    const int horizon = options.horizon;
    const int earliest = std::max({season, size / 2, kLeastHistory});
    std::vector<Origin> out;
    if (horizon >= season) {
        const int spacing = season * ((horizon + season - 1) / season);
        for (int j = 1; j <= options.origins && size - j * spacing >= earliest; ++j) {
            out.push_back({size - j * spacing, true});
        }
    } else {
        add_days(history, earliest, options.phase_origins, out,
                 [&](int i) { return history.same_day_type(i, size); });
        if (out.size() < kFewOrigins) {
            add_days(history, earliest, options.phase_origins, out,
                     [&](int i) { return history.same_day_kind(i, size); });
        }
        for (int j = 1; j <= options.recent_origins && size - j * horizon >= earliest; ++j) {
            const int index = size - j * horizon;
            if (std::none_of(out.begin(), out.end(),
                             [index](const Origin& origin) { return origin.index == index; })) {
                out.push_back({index, false});
            }
        }
    }
    std::sort(out.begin(), out.end(),
              [](const Origin& a, const Origin& b) { return a.index < b.index; });
    return out;
}

Backtest::Backtest(const History& history, std::vector<Origin> origins, int horizon,
                   std::vector<std::unique_ptr<Model>>& members)
    : origins_(std::move(origins)), horizon_(static_cast<std::size_t>(horizon)) {
    const double scale = mase_scale(history.values, history.season);
    scale_ = scale > 0 ? scale : 1;
    for (const Origin& origin : origins_) {
        for (int i = origin.index; i < origin.index + horizon; ++i) {
            const bool known = i < history.size() && history.seen(i);
            actual_.push_back(known ? history.at(i) : std::numeric_limits<double>::quiet_NaN());
        }
    }
    const int end = origins_.empty() ? history.size() : origins_.front().index;
    std::erase_if(members, [&](const auto& member) { return !member->fit(history, end); });
    for (const auto& member : members) {
        std::vector<double> predicted(origins_.size() * horizon_);
        std::vector<Sum> sums(origins_.size());
        for (std::size_t o = 0; o < origins_.size(); ++o) {
            const std::span<double> block = std::span(predicted).subspan(o * horizon_, horizon_);
            member->predict(history, origins_[o].index, block);
            for (std::size_t k = 0; k < horizon_; ++k) {
                const double actual = actual_[o * horizon_ + k];
                if (std::isnan(actual)) {
                    continue;
                }
                const double error = std::abs(actual - block[k]);
                sums[o].absolute += error;
                sums[o].relative += error > 0 ? error / (std::abs(actual) + std::abs(block[k])) : 0;
                sums[o].count += 1;
            }
        }
        predictions_.push_back(std::move(predicted));
        sums_.push_back(std::move(sums));
    }
}

std::span<const double> Backtest::actual(std::size_t origin) const {
    return std::span(actual_).subspan(origin * horizon_, horizon_);
}

std::span<const double> Backtest::prediction(std::size_t member, std::size_t origin) const {
    return std::span(predictions_[member]).subspan(origin * horizon_, horizon_);
}

std::vector<double> Backtest::errors(bool relative, std::size_t without) const {
    std::vector<double> out;
    for (const std::vector<Sum>& sums : sums_) {
        Sum total;
        for (std::size_t o = 0; o < sums.size(); ++o) {
            if (o != without) {
                total.absolute += sums[o].absolute;
                total.relative += sums[o].relative;
                total.count += sums[o].count;
            }
        }
        const double count = std::max(total.count, 1.0);
        const double mase = total.absolute / count / scale_;
        out.push_back(relative ? std::sqrt(mase * total.relative / count) : mase);
    }
    return out;
}

} // namespace foregate::forecast
