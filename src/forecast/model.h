// SPDX-License-Identifier: BSD-3-Clause
// What every member of the pool can do. Fitted once, then asked at several origins: a model learns
// its parameters in fit() and reads the values up to the origin in predict(), nothing later.
#pragma once

#include "forecast/history.h"

#include <span>
#include <string>

namespace foregate::forecast {

class Model {
public:
    virtual ~Model() = default;
    virtual std::string name() const = 0;
    // Naives are always kept, and the combination is measured against the best of them.
    virtual bool is_naive() const { return false; }
    // Learns from [0, end) of the history. False: too little for this model; it is left out.
    virtual bool fit(const History& history, int end) = 0;
    // Forecasts steps origin, origin + 1, ... from [0, origin). origin >= 1. Finite results, in
    // the unit of the series, within [history.low, history.high]. Only after fit() was true.
    virtual void predict(const History& history, int origin, std::span<double> out) const = 0;
};

} // namespace foregate::forecast
