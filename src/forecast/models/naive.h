// SPDX-License-Identifier: BSD-3-Clause
// The naives: the yardstick for everything else, and what remains when nothing else works.
#pragma once

#include "forecast/model.h"

namespace foregate::forecast {

// The last observed value, for every step.
class LastValue : public Model {
public:
    std::string name() const override { return "last_value"; }
    bool is_naive() const override { return true; }
    bool fit(const History& history, int end) override;
    void predict(const History& history, int origin, std::span<double> out) const override;
};

// The value one `period` before (again and again beyond one period).
class SeasonalNaive : public Model {
public:
    SeasonalNaive(std::string name, int period) : name_(std::move(name)), period_(period) {}
    std::string name() const override { return name_; }
    bool is_naive() const override { return true; }
    bool fit(const History& history, int end) override;
    void predict(const History& history, int origin, std::span<double> out) const override;

private:
    std::string name_;
    int period_;
};

// The value at the same time of the latest day of the same type. Only where day types are known.
class CalendarNaive : public Model {
public:
    std::string name() const override { return "calendar_naive"; }
    bool is_naive() const override { return true; }
    bool fit(const History& history, int end) override;
    void predict(const History& history, int origin, std::span<double> out) const override;
};

} // namespace foregate::forecast
