// SPDX-License-Identifier: BSD-3-Clause
// The shape of a day (or week) from the same time of recent days (weeks), with an optional
// correction by how far the last values lie from that shape, fading over the steps.
#pragma once

#include "forecast/model.h"

#include <vector>

namespace foregate::forecast {

struct ProfileForm {
    std::string name;
    int stride = 1;         // steps between comparable times: a day or a week
    int limit = 10;         // days (weeks) looked at
    bool typed = true;      // only days of the target's type, where types are known
    bool median = false;    // else the mean
    bool corrected = false; // by the level of recent residuals
    Scale scale = Scale::raw;
};

class Profile : public Model {
public:
    explicit Profile(ProfileForm form) : form_(std::move(form)) {}
    std::string name() const override { return form_.name; }
    bool fit(const History& history, int end) override;
    void predict(const History& history, int origin, std::span<double> out) const override;

private:
    double shape(const History& history, int target, int origin, std::vector<int>& days,
                 std::vector<double>& work) const;
    double level(const std::vector<double>& residuals, std::size_t end, double smoothing) const;
    void fit_correction(const History& history, int end);

    ProfileForm form_;
    double smoothing_ = 1; // of the residual level: 1 takes the last residual alone
    double fading_ = 0;    // of the correction, per step
};

} // namespace foregate::forecast
