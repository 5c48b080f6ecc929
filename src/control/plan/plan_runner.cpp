// SPDX-License-Identifier: BSD-3-Clause
#include "control/plan/plan_runner.h"

#include "control/usage/destination_text.h"

#include <exception>

namespace foregate::control {

namespace {

constexpr unsigned kForecastThreads = 1;

} // namespace

PlanRunner::PlanRunner(dataplane::Dataplane& dataplane, UsageStore& store, const Config& config)
    : dataplane_(dataplane), store_(store), forecast_config_(config.forecast), plan_config_(config.plan),
      classes_(config.classes), bucket_(config.analytics.bucket), enabled_(config.plan.enabled) {
    for (std::uint16_t i = 0; i < config.ports.size(); ++i) {
        if (config.ports[i].role == PortRole::upstream) {
            up_port_ = i;
        } else if (config.ports[i].role == PortRole::desktop) {
            down_port_ = i;
        }
    }
}

PlanRunner::~PlanRunner() {
    if (running_.valid()) {
        running_.wait();
    }
}

void PlanRunner::set_enabled(bool enabled) noexcept {
    enabled_ = enabled;
    plan_due_ = true;
}

bool PlanRunner::tick(const AnalyticsClock& clock, std::int64_t epoch_s, Time now, const PlanSurroundings& around) {
    if (take_forecast()) {
        plan_due_ = true;
    }
    if (forecast_due_ && !running_.valid() && forecast_config_.enabled) {
        begin_forecast(clock, epoch_s);
    }
    const std::int64_t bucket = AnalyticsClock::bucket_start(epoch_s, bucket_);
    if (!plan_due_ && bucket == planned_bucket_ && now - planned_at_ < plan_config_.interval) {
        return false;
    }
    plan_due_ = false;
    planned_bucket_ = bucket;
    planned_at_ = now;
    PlanInput input;
    input.forecasts = enabled_ && forecasts_ ? &*forecasts_ : nullptr;
    input.now = epoch_s;
    const auto& ports = dataplane_.settings().ports;
    input.up_bps = ports[up_port_].rate_bps;
    input.down_bps = ports[down_port_].rate_bps;
    input.classes = around.classes;
    input.config = plan_config_;
    input.listed = around.listed;
    input.denied = around.denied;
    put_in_force(make_plan(input), epoch_s, now);
    pattern_ = make_pattern(forecasts_ ? &*forecasts_ : nullptr, epoch_s, classes_, bucket_);
    return true;
}

void PlanRunner::begin_forecast(const AnalyticsClock& clock, std::int64_t epoch_s) {
    forecast_due_ = false;
    try {
        running_ = std::async(std::launch::async,
                              [jobs = collect_series(store_, clock, epoch_s, forecast_config_)] {
                                  const auto begun = std::chrono::steady_clock::now();
                                  Outcome outcome{run_forecasts(jobs, kForecastThreads), {}};
                                  outcome.took = std::chrono::duration_cast<std::chrono::milliseconds>(
                                      std::chrono::steady_clock::now() - begun);
                                  return outcome;
                              });
    } catch (const std::exception& error) {
        last_error_ = error.what();
    }
}

bool PlanRunner::take_forecast() {
    if (!running_.valid() || running_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
        return false;
    }
    try {
        Outcome outcome = running_.get();
        forecasts_ = std::move(outcome.set);
        forecast_took_ = outcome.took;
        ++forecasts_made_;
        last_error_.clear();
        return true;
    } catch (const std::exception& error) { // the last forecast stays; its leases end by themselves
        last_error_ = error.what();
        return false;
    }
}

std::string PlanRunner::key_of(const Allotment& allotment) {
    return allotment.usage_class + '\n' + std::string(dataplane::app_type_name(allotment.app)) + '\n' +
           allotment.destination + '\n' + direction_name(allotment.direction);
}

std::optional<std::uint16_t> PlanRunner::allotment_number(const Allotment& allotment) const {
    return numbers_.find(key_of(allotment));
}

void PlanRunner::put_in_force(Plan next, std::int64_t epoch_s, Time now) {
    in_force_ = steadied(in_force_, std::move(next));
    // The shaper is told what holds at this moment; leases that begin later are ordered when they begin.
    std::map<std::string, std::uint64_t> wanted;
    for (const Allotment& allotment : in_force_.allotments) {
        if (allotment.from <= epoch_s && epoch_s < allotment.until) {
            wanted[key_of(allotment)] = allotment.rate_bps;
            order(allotment, allotment.rate_bps, now);
        }
    }
    for (auto it = ordered_.begin(); it != ordered_.end();) {
        if (wanted.contains(it->first)) {
            ++it;
            continue;
        }
        if (const auto number = numbers_.give_back(it->first, now)) {
            (void)dataplane_.post_shaper(up_port_, dataplane::SetAllotment{*number, 0});
            (void)dataplane_.post_shaper(down_port_, dataplane::SetAllotment{*number, 0});
        }
        it = ordered_.erase(it);
    }
}

void PlanRunner::order(const Allotment& allotment, std::uint64_t rate_bps, Time now) {
    const std::string key = key_of(allotment);
    const auto before = ordered_.find(key);
    if (before != ordered_.end() && before->second == rate_bps) {
        return;
    }
    const auto number = numbers_.take(key, now);
    if (!number) {
        last_error_ = "more allotments than the shaper has numbers for";
        return;
    }
    const std::uint16_t port = allotment.direction == Direction::up ? up_port_ : down_port_;
    if (dataplane_.post_shaper(port, dataplane::SetAllotment{*number, rate_bps})) {
        ordered_[key] = rate_bps;
    }
}

std::shared_ptr<const dataplane::PlanTable> PlanRunner::plan_table(const AddressesOf& addresses,
                                                                   const Config& config) const {
    dataplane::PlanTable::Map map;
    for (const Allotment& allotment : in_force_.allotments) {
        const auto number = numbers_.find(key_of(allotment));
        const auto parts = parse_destination(allotment.destination);
        if (!number || !parts) {
            continue;
        }
        std::uint16_t usage_class = 0;
        while (usage_class < config.classes.size() && config.classes[usage_class].name != allotment.usage_class) {
            ++usage_class;
        }
        for (const IpAddress& address : addresses(allotment.destination)) {
            dataplane::AllotmentRef& ref = map[{address, parts->port, usage_class}];
            (allotment.direction == Direction::up ? ref.up : ref.down) = *number;
        }
    }
    return std::make_shared<dataplane::PlanTable>(std::move(map));
}

} // namespace foregate::control
