// SPDX-License-Identifier: BSD-3-Clause
// Keeps a plan in force: forecasts beside the control thread, makes the plan, orders what differs from the last one.
#pragma once

#include "control/plan/allotment_numbers.h"
#include "control/plan/pattern.h"
#include "control/plan/planner.h"
#include "control/publisher.h"
#include "control/usage/usage_store.h"

#include <chrono>
#include <cstdint>
#include <future>
#include <optional>
#include <string>

namespace foregate::control {

/// What the plan needs to know of the rest at the moment it is made.
struct PlanSurroundings {
    std::vector<ClassDemand> classes;
    std::function<bool(const std::string& destination)> listed;
    std::function<bool(const std::string& usage_class, const std::string& destination)> denied;
};

/// Control thread only; the forecast itself runs on a thread of its own, in a bounded arena.
class PlanRunner {
public:
    using Time = std::chrono::steady_clock::time_point;

    PlanRunner(dataplane::Dataplane& dataplane, UsageStore& store, const Config& config);
    ~PlanRunner();

    /// A bucket was closed, or the store was changed from outside: forecast anew as soon as possible.
    void forecast_again() noexcept { forecast_due_ = true; }
    /// Forecasts, plans and orders as it is due. True when the plan in force or the pattern has changed.
    bool tick(const AnalyticsClock& clock, std::int64_t epoch_s, Time now, const PlanSurroundings& around);
    /// The allotments by address, for the workers.
    [[nodiscard]] std::shared_ptr<const dataplane::PlanTable> plan_table(const AddressesOf& addresses,
                                                                         const Config& config) const;

    /// Off: no forecast is used; allotments end now, monitors stay. Floors, ceilings and fairness are untouched.
    void set_enabled(bool enabled) noexcept;
    [[nodiscard]] bool enabled() const noexcept { return enabled_; }

    [[nodiscard]] const Plan& plan() const noexcept { return in_force_; }
    [[nodiscard]] const Pattern& pattern() const noexcept { return pattern_; }
    [[nodiscard]] const ForecastSet* forecasts() const noexcept { return forecasts_ ? &*forecasts_ : nullptr; }
    [[nodiscard]] std::optional<std::uint16_t> allotment_number(const Allotment& allotment) const;
    [[nodiscard]] std::uint64_t forecasts_made() const noexcept { return forecasts_made_; }
    [[nodiscard]] std::chrono::milliseconds forecast_took() const noexcept { return forecast_took_; }
    [[nodiscard]] const std::string& last_error() const noexcept { return last_error_; }
    [[nodiscard]] std::uint16_t up_port() const noexcept { return up_port_; }
    [[nodiscard]] std::uint16_t down_port() const noexcept { return down_port_; }

private:
    struct Outcome {
        ForecastSet set;
        std::chrono::milliseconds took{};
    };
    void begin_forecast(const AnalyticsClock& clock, std::int64_t epoch_s);
    bool take_forecast();
    void put_in_force(Plan next, std::int64_t epoch_s, Time now);
    [[nodiscard]] static std::string key_of(const Allotment& allotment);
    void order(const Allotment& allotment, std::uint64_t rate_bps, Time now);

    dataplane::Dataplane& dataplane_;
    UsageStore& store_;
    const ForecastConfig forecast_config_;
    const PlanConfig plan_config_;
    const std::vector<ClassConfig> classes_;
    const std::chrono::seconds bucket_;
    std::uint16_t up_port_ = 0, down_port_ = 0;
    bool enabled_ = true;
    bool forecast_due_ = true;
    bool plan_due_ = true;
    std::int64_t planned_bucket_ = -1;
    Time planned_at_{};
    std::future<Outcome> running_;
    std::optional<ForecastSet> forecasts_;
    Plan in_force_;
    Pattern pattern_;
    AllotmentNumbers numbers_;
    std::map<std::string, std::uint64_t> ordered_; ///< rate in force at the shaper, by key
    std::uint64_t forecasts_made_ = 0;
    std::chrono::milliseconds forecast_took_{};
    std::string last_error_;
};

} // namespace foregate::control
