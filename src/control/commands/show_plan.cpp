// SPDX-License-Identifier: BSD-3-Clause
// show usage, forecast, outlook, plan, pattern, clock
#include "control/commands/show.h"
#include "control/commands/values.h"
#include "control/gateway.h"

#include <algorithm>

namespace foregate::control {

namespace {

constexpr std::uint64_t kMostBuckets = 2016;
constexpr std::uint64_t kMostSteps = 288;
constexpr std::uint64_t kOutlookSteps = 3;

/// An optional argument must be the name of a class; `usage_class` stays empty without one.
bool class_argument(const Gateway& gateway, const CommandArgs& args, std::string& usage_class,
                    std::string& error) {
    if (args.words.empty()) {
        return true;
    }
    for (const ClassConfig& known : gateway.config.classes) {
        if (known.name == args.words[0]) {
            usage_class = known.name;
        }
    }
    error = "there is no class " + args.words[0] + "; show classes lists them";
    return !usage_class.empty();
}

Json store_value(const StoreStatus& status) {
    return {{"writable", status.writable},
            {"note", status.note.empty() ? Json(nullptr) : Json(status.note)},
            {"failed_commits", status.failed_commits},
            {"pending_buckets", status.pending_buckets},
            {"lost_buckets", status.lost_buckets}};
}

} // namespace

CommandResult show_usage(Gateway& gateway, const CommandArgs& args) {
    std::uint64_t buckets = 1;
    if (!args.words.empty()) {
        const auto given = whole_number(args.words[0], 1, kMostBuckets);
        if (!given) {
            return CommandResult::failure(args.words[0] +
                                          " is no number of buckets, expected 1 to " +
                                          std::to_string(kMostBuckets));
        }
        buckets = *given;
    }
    const TimeZone& zone = gateway.clock.zone();
    const std::int64_t length = gateway.store.bucket().count();
    const std::int64_t now = gateway.epoch_s();
    const std::int64_t open = AnalyticsClock::bucket_start(now, gateway.store.bucket());
    Json value;
    value["bucket_s"] = length;
    value["min_group"] = gateway.config.analytics.min_group;
    value["open_bucket"] = {{"start", local_time(open, zone)}, {"elapsed_s", now - open}};
    value["folded_rows"] = gateway.usage.folded_rows();
    value["dropped_rows"] = gateway.usage.dropped_rows();
    const auto span = gateway.store.span();
    value["store"] = store_value(gateway.store.status());
    value["store"]["first_bucket"] = span ? local_time(span->first, zone) : Json(nullptr);
    value["store"]["last_bucket"] = span ? local_time(span->last, zone) : Json(nullptr);
    Json records = Json::array();
    bool complete = true;
    if (span) {
        const std::int64_t end = span->last + length;
        complete = gateway.store.each_bucket(end - static_cast<std::int64_t>(buckets) * length, end,
                                             [&](const ObservedBucket& bucket) {
                                                 for (const UsageRecord& record : bucket.records) {
                                                     records.push_back(usage_row(record, zone));
                                                 }
                                             });
    }
    value["complete"] = complete;
    value["records"] = std::move(records);
    return CommandResult::success(std::move(value));
}

CommandResult show_forecast(Gateway& gateway, const CommandArgs& args) {
    std::string usage_class;
    std::string error;
    if (!class_argument(gateway, args, usage_class, error)) {
        return CommandResult::failure(error);
    }
    const ForecastSet* forecasts = gateway.plan.forecasts();
    return CommandResult::success(forecasts != nullptr
                                      ? forecast_rows(*forecasts, gateway.clock.zone(), usage_class)
                                      : Json::array());
}

CommandResult show_outlook(Gateway& gateway, const CommandArgs& args) {
    std::string usage_class;
    std::string error;
    if (!class_argument(gateway, args, usage_class, error)) {
        return CommandResult::failure(error);
    }
    std::uint64_t steps = kOutlookSteps;
    if (args.words.size() > 1) {
        const auto given = whole_number(args.words[1], 1, kMostSteps);
        if (!given) {
            return CommandResult::failure(args.words[1] + " is no number of steps, expected 1 to " +
                                          std::to_string(kMostSteps));
        }
        steps = *given;
    }
    const ForecastSet* forecasts = gateway.plan.forecasts();
    if (forecasts == nullptr) {
        return CommandResult::success(Json::array());
    }
    return CommandResult::success(
        outlook_rows(*forecasts, gateway.clock.zone(), usage_class, gateway.epoch_s(), steps));
}

CommandResult show_plan(Gateway& gateway, const CommandArgs&) {
    return CommandResult::success(plan_value(gateway.plan.plan(), gateway.clock.zone(),
                                             gateway.epoch_s(),
                                             [&gateway](const Allotment& allotment) {
                                                 return gateway.plan.allotment_number(allotment);
                                             }));
}

CommandResult show_pattern(Gateway& gateway, const CommandArgs&) {
    return CommandResult::success(pattern_value(gateway.plan.pattern(), gateway.clock.zone()));
}

CommandResult show_clock(Gateway& gateway, const CommandArgs&) {
    constexpr const char* kDays[] = {"working day", "saturday", "sunday or holiday"};
    const auto system_now = std::chrono::system_clock::now();
    const std::int64_t now = gateway.clock.epoch(system_now);
    const std::int64_t bucket = AnalyticsClock::bucket_start(now, gateway.store.bucket());
    const auto local = gateway.clock.zone().to_local(now);
    Json value;
    value["now"] = local_time(now, gateway.clock.zone());
    value["epoch_s"] = now;
    value["time_zone"] = gateway.clock.zone().name();
    value["utc_offset_s"] = gateway.clock.zone().offset_at(now);
    value["day"] = kDays[std::min<std::size_t>(gateway.clock.day_type(local), 2)];
    value["system"] = event_timestamp(system_now);
    value["ahead_of_system_s"] =
        now -
        std::chrono::duration_cast<std::chrono::seconds>(system_now.time_since_epoch()).count();
    value["bucket_s"] = gateway.store.bucket().count();
    value["bucket"] = local_time(bucket, gateway.clock.zone());
    value["next_bucket_in_s"] = bucket + gateway.store.bucket().count() - now;
    return CommandResult::success(std::move(value));
}

} // namespace foregate::control
