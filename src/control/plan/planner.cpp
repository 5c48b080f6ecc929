// SPDX-License-Identifier: BSD-3-Clause
#include "control/plan/planner.h"

#include "control/plan/eligibility.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

namespace foregate::control {

namespace {

// Below this an allotment is not worth an order.
constexpr double kLeastAllotmentBps = 1000.0;

// Forecast steps that run now or start within the lead.
std::vector<std::size_t> steps_ahead(const PlanInput& input) {
    std::vector<std::size_t> steps;
    if (input.forecasts == nullptr) {
        return steps;
    }
    const auto& starts = input.forecasts->starts;
    for (std::size_t s = 0; s < starts.size(); ++s) {
        const std::int64_t end = starts[s] + input.forecasts->bucket.count();
        if (end > input.now && starts[s] <= input.now + input.config.hold.lead.count()) {
            steps.push_back(s);
        }
    }
    return steps;
}

const ClassDemand* find_class(const PlanInput& input, const std::string& name) {
    const auto found = std::find_if(input.classes.begin(), input.classes.end(),
                                    [&](const ClassDemand& c) { return c.name == name; });
    return found == input.classes.end() ? nullptr : &*found;
}

bool is_listed(const PlanInput& input, const std::string& destination) {
    return input.listed && input.listed(destination);
}

/// What nothing is opened to, whatever is expected.
std::optional<SkipReason> forbidden(const PlanInput& input, const ConnectionTarget& target) {
    if (is_listed(input, target.destination)) {
        return SkipReason::listed;
    }
    const bool denied = input.denied && input.denied(target.usage_class, target.destination);
    return denied ? std::optional(SkipReason::access_denied) : std::nullopt;
}

// ---- allotments ----

std::uint64_t budget(const PlanInput& input, std::uint64_t port_bps) {
    const double rate = static_cast<double>(port_bps);
    double floors = 0;
    for (const ClassDemand& c : input.classes) {
        floors += static_cast<double>(c.floor_bps) * c.sessions;
    }
    const double share = std::clamp(input.config.allotted_share, 0.0, 1.0) * rate;
    return static_cast<std::uint64_t>(std::max(0.0, std::min(share, rate - floors)));
}

// All of one direction and one step; together they stay within the budget.
void allot_step(const PlanInput& input, Direction direction, std::size_t step,
                std::uint64_t budget_bps, std::vector<Allotment>& out) {
    const Metric metric = direction == Direction::up ? Metric::bytes_up : Metric::bytes_down;
    const auto length = static_cast<double>(input.forecasts->bucket.count());
    std::vector<std::pair<const SeriesForecast*, double>> wanted;
    double sum = 0;
    for (const SeriesForecast& series : input.forecasts->series) {
        const ClassDemand* usage_class = find_class(input, series.key.usage_class);
        if (usage_class == nullptr || usage_class->sessions == 0 ||
            series.key.destination == kOtherDestination ||
            is_listed(input, series.key.destination)) {
            continue;
        }
        const double bytes = series.of(metric).steps[step].q90;
        const double rate = input.config.allotment_margin * bytes * 8.0 / length;
        if (rate >= kLeastAllotmentBps) {
            wanted.emplace_back(&series, rate);
            sum += rate;
        }
    }
    const double limit = static_cast<double>(budget_bps);
    const double scale = sum > limit ? limit / sum : 1.0;
    const std::int64_t from = input.forecasts->starts[step];
    for (const auto& [series, rate] : wanted) {
        // Rounded down each, so the sum stays within the budget whatever the rounding of `scale`.
        const auto bps = static_cast<std::uint64_t>(std::floor(rate * scale * (1.0 - 1e-12)));
        if (bps > 0) {
            out.push_back({series->key.usage_class, series->key.app, series->key.destination,
                           direction, bps, from, from + input.forecasts->bucket.count()});
        }
    }
}

// ---- connection targets ----

// A destination that enough desktops of a class are expected to turn to.
struct Candidate {
    const ClassDemand* usage_class = nullptr;
    std::string destination;
    double desktops = 0;    ///< expected in the bucket that asks for most
    double connections = 0; ///< the same
    unsigned per_desktop = 0;
    double worth = 0; ///< expected uses per held connection
    std::int64_t bucket = 0;
    std::int64_t until = 0;
};

// Over the application types of one destination: connections add up, desktops overlap.
using Expectation =
    std::map<std::pair<std::string, std::string>, std::vector<const SeriesForecast*>>;

Expectation by_destination(const ForecastSet& forecasts) {
    Expectation groups;
    for (const SeriesForecast& series : forecasts.series) {
        if (series.key.destination != kOtherDestination) {
            groups[{series.key.usage_class, series.key.destination}].push_back(&series);
        }
    }
    return groups;
}

// Looks at one step; takes it over if it asks for more than what is there. False: not expected.
bool weigh(const PlanInput& input, const std::vector<const SeriesForecast*>& group,
           std::size_t step, Candidate& candidate) {
    double desktops = 0;
    double connections = 0;
    for (const SeriesForecast* series : group) {
        desktops = std::max(desktops, series->of(Metric::desktops).steps[step].q50);
        connections += series->of(Metric::connections).steps[step].q50;
    }
    // No more desktops open a connection than there are new connections: one that is open all day
    // and only carries data needs no held one.
    const double openers = std::min(desktops, connections);
    const double known = std::max(candidate.usage_class->desktops, candidate.usage_class->sessions);
    const double share = std::min(1.0, openers / known);
    if (openers <= 0 || share < input.config.hold.min_expected_share) {
        return false;
    }
    const double each = connections / std::max(desktops, 1.0);
    const auto most = static_cast<double>(input.config.hold.per_desktop_and_destination);
    const double count = std::min(most, std::max(1.0, std::ceil(each)));
    if (count > candidate.per_desktop) {
        candidate.per_desktop = static_cast<unsigned>(count);
        candidate.desktops = desktops;
        candidate.connections = connections;
        candidate.worth = share * std::min(std::max(each, 1.0), count) / count;
        candidate.bucket = input.forecasts->starts[step];
    }
    return true;
}

std::vector<Candidate> candidates(const PlanInput& input, const std::vector<std::size_t>& steps) {
    std::vector<Candidate> found;
    if (input.forecasts == nullptr || !input.config.hold.enabled) {
        return found;
    }
    for (const auto& [key, group] : by_destination(*input.forecasts)) {
        Candidate candidate;
        candidate.usage_class = find_class(input, key.first);
        candidate.destination = key.second;
        if (candidate.usage_class == nullptr || candidate.usage_class->sessions == 0) {
            continue;
        }
        for (const std::size_t step : steps) {
            const std::int64_t start = input.forecasts->starts[step];
            // The lease is one run of buckets; what comes after a pause is for a later plan.
            if (candidate.until != 0 && candidate.until != start) {
                break;
            }
            if (weigh(input, group, step, candidate)) {
                candidate.until = start + input.forecasts->bucket.count();
            }
        }
        if (candidate.per_desktop > 0) {
            found.push_back(std::move(candidate));
        }
    }
    std::stable_sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
        return a.worth > b.worth; // equal ones stay in order of class and destination
    });
    return found;
}

// Hands out what the caps leave.
class Purse {
public:
    explicit Purse(const HoldConfig& config) : config_(config), total_(config.total) {}

    // Sets per_desktop and limit to what fits; a reason if nothing does.
    std::optional<SkipReason> fit(const ClassDemand& usage_class, ConnectionTarget& target) {
        unsigned& desktop = left(per_desktop_, usage_class.name, config_.per_desktop);
        unsigned& destination = left(per_destination_, target.destination, config_.per_destination);
        if (desktop == 0 || destination == 0 || total_ == 0) {
            return desktop == 0       ? SkipReason::desktop_cap
                   : destination == 0 ? SkipReason::destination_cap
                                      : SkipReason::total_cap;
        }
        const unsigned room = std::min(destination, total_);
        const unsigned for_all = std::max(1U, room / usage_class.sessions);
        target.per_desktop = std::min({target.per_desktop, desktop, for_all});
        const auto all = std::uint64_t{target.per_desktop} * usage_class.sessions;
        target.limit = static_cast<unsigned>(std::min<std::uint64_t>(all, room));
        desktop -= target.per_desktop;
        destination -= target.limit;
        total_ -= target.limit;
        return std::nullopt;
    }

private:
    static unsigned& left(std::map<std::string, unsigned>& purse, const std::string& key,
                          unsigned whole) {
        return purse.try_emplace(key, whole).first->second;
    }
    const HoldConfig& config_;
    unsigned total_;
    std::map<std::string, unsigned> per_desktop_; ///< by class: its desktops are alike
    std::map<std::string, unsigned> per_destination_;
};

void target_monitors(const PlanInput& input, Purse& purse, Plan& plan) {
    for (const ClassDemand& usage_class : input.classes) {
        for (const DestinationSpec& spec : usage_class.monitor) {
            if (usage_class.sessions == 0) {
                continue;
            }
            ConnectionTarget target;
            target.usage_class = usage_class.name;
            target.destination = format_destination(spec);
            target.per_desktop = 1;
            target.purpose = ConnectionPurpose::monitor;
            target.until = kNoEnd;
            target.reason = "monitored by the class";
            auto skip = forbidden(input, target);
            if (!skip) {
                skip = purse.fit(usage_class, target);
            }
            if (skip) {
                plan.skipped.push_back({target.usage_class, target.destination, *skip});
            } else {
                plan.targets.push_back(std::move(target));
            }
        }
    }
}

std::string reason_of(const Candidate& candidate) {
    std::array<char, 128> text{};
    std::snprintf(text.data(), text.size(), "%.1f of %u desktops expected, %.1f connections each",
                  candidate.desktops,
                  std::max(candidate.usage_class->desktops, candidate.usage_class->sessions),
                  candidate.connections / std::max(candidate.desktops, 1.0));
    return text.data();
}

void target_predicted(const PlanInput& input, const std::vector<std::size_t>& steps, Purse& purse,
                      Plan& plan) {
    const Eligibility eligible(input.config.hold);
    for (const Candidate& candidate : candidates(input, steps)) {
        ConnectionTarget target;
        target.usage_class = candidate.usage_class->name;
        target.destination = candidate.destination;
        target.per_desktop = candidate.per_desktop;
        target.until = candidate.until;
        target.bucket = candidate.bucket;
        target.expected_desktops = candidate.desktops;
        target.expected_connections = candidate.connections;
        target.reason = reason_of(candidate);
        auto skip = eligible.why_not(target.destination);
        if (!skip) {
            skip = forbidden(input, target);
        }
        if (!skip) {
            skip = purse.fit(*candidate.usage_class, target);
        }
        if (skip) {
            plan.skipped.push_back({target.usage_class, target.destination, *skip});
        } else {
            plan.targets.push_back(std::move(target));
        }
    }
}

} // namespace

Plan make_plan(const PlanInput& input) {
    Plan plan;
    plan.made_at = input.now;
    plan.budget_up_bps = budget(input, input.up_bps);
    plan.budget_down_bps = budget(input, input.down_bps);
    const std::vector<std::size_t> steps =
        input.config.enabled ? steps_ahead(input) : std::vector<std::size_t>{};
    for (const std::size_t step : steps) {
        allot_step(input, Direction::up, step, plan.budget_up_bps, plan.allotments);
        allot_step(input, Direction::down, step, plan.budget_down_bps, plan.allotments);
    }
    std::sort(plan.allotments.begin(), plan.allotments.end(),
              [](const Allotment& a, const Allotment& b) {
                  return std::tie(a.usage_class, a.app, a.destination, a.direction, a.from) <
                         std::tie(b.usage_class, b.app, b.destination, b.direction, b.from);
              });
    Purse purse(input.config.hold);
    target_monitors(input, purse, plan);
    target_predicted(input, steps, purse, plan);
    return plan;
}

} // namespace foregate::control
