// SPDX-License-Identifier: BSD-3-Clause
// Reading the usage store: series, what is heavy, what was observed.
#include "control/usage/sqlite_statement.h"
#include "control/usage/usage_store.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace foregate::control {

namespace {

constexpr const char* kColumns = "desktops, connections, failed, packets_up, packets_down, "
                                 "bytes_up, bytes_down";

// A type that this version does not know (an older or newer store) is "other".
AppType app_of(const std::string& name) {
    return dataplane::app_type_from_name(name).value_or(AppType::other);
}

std::vector<double>& of(SeriesValues& values, Metric metric) {
    return values[static_cast<std::size_t>(metric)];
}

} // namespace

const char* metric_name(Metric metric) noexcept {
    switch (metric) {
    case Metric::bytes_up:
        return "bytes_up";
    case Metric::bytes_down:
        return "bytes_down";
    case Metric::connections:
        return "connections";
    case Metric::desktops:
        return "desktops";
    }
    return "?";
}

const std::vector<double>& UsageStore::blank(std::int64_t from, std::int64_t to) {
    if (blank_ && blank_->from == from && blank_->to == to) {
        return blank_->values;
    }
    const std::int64_t length = bucket_.count();
    const auto count = static_cast<std::size_t>(std::max<std::int64_t>(to - from, 0) / length);
    std::vector<double> values(count, std::numeric_limits<double>::quiet_NaN());
    guarded("read buckets", [&] {
        Statement rows(db_.get(),
                       "SELECT start FROM bucket WHERE start >= ? AND start < ? AND observed >= ?");
        rows.bind(from, to, std::int64_t{length * 9 / 10});
        while (rows.step()) {
            const std::int64_t at = rows.integer(0) - from;
            const auto index = static_cast<std::size_t>(at / length);
            if (at % length == 0 && index < count) {
                values[index] = 0;
            }
        }
    });
    blank_ = Blank{from, to, std::move(values)};
    return blank_->values;
}

std::vector<double> UsageStore::series(const SeriesKey& key, Metric metric, std::int64_t from,
                                       std::int64_t to) {
    SeriesValues values = series(key, from, to);
    return std::move(of(values, metric));
}

SeriesValues UsageStore::series(const SeriesKey& key, std::int64_t from, std::int64_t to) {
    SeriesValues values;
    values.fill(blank(from, to));
    guarded("read series", [&] {
        Statement rows(db_.get(),
                       "SELECT bucket, bytes_up, bytes_down, connections, desktops FROM usage "
                       "WHERE class = (SELECT id FROM class WHERE name = ?) "
                       "AND app = (SELECT id FROM app WHERE name = ?) "
                       "AND destination = (SELECT id FROM destination WHERE name = ?) "
                       "AND bucket >= ? AND bucket < ?");
        rows.bind(key.usage_class, dataplane::app_type_name(key.app), key.destination, from, to);
        while (rows.step()) {
            const auto index = static_cast<std::size_t>((rows.integer(0) - from) / bucket_.count());
            for (std::size_t m = 0; m < kMetricCount; ++m) {
                if (index < values[m].size() && values[m][index] == 0) {
                    values[m][index] = static_cast<double>(rows.count(static_cast<int>(m) + 1));
                }
            }
        }
    });
    return values;
}

SeriesValues UsageStore::rest_series(const std::string& usage_class, AppType app,
                                     std::span<const std::string> without, std::int64_t from,
                                     std::int64_t to) {
    SeriesValues values;
    values.fill(blank(from, to));
    std::vector<std::string> left_out(without.begin(), without.end());
    std::sort(left_out.begin(), left_out.end());
    guarded("read series", [&] {
        Statement rows(db_.get(),
                       "SELECT bucket, bytes_up, bytes_down, connections, desktops, d.name "
                       "FROM usage JOIN destination AS d ON d.id = destination "
                       "WHERE class = (SELECT id FROM class WHERE name = ?) "
                       "AND app = (SELECT id FROM app WHERE name = ?) "
                       "AND bucket >= ? AND bucket < ?");
        rows.bind(usage_class, dataplane::app_type_name(app), from, to);
        while (rows.step()) {
            const auto index = static_cast<std::size_t>((rows.integer(0) - from) / bucket_.count());
            if (index >= values[0].size() ||
                std::binary_search(left_out.begin(), left_out.end(), rows.text(5))) {
                continue;
            }
            for (std::size_t m = 0; m < kMetricCount - 1; ++m) { // NaN stays NaN
                values[m][index] += static_cast<double>(rows.count(static_cast<int>(m) + 1));
            }
            double& desktops = of(values, Metric::desktops)[index];
            const auto here = static_cast<double>(rows.count(4));
            desktops = desktops < here ? here : desktops;
        }
    });
    return values;
}

std::vector<SeriesWeight> UsageStore::heaviest(std::int64_t from, std::int64_t to) {
    std::vector<SeriesWeight> all;
    double bytes = 0;
    double connections = 0;
    guarded("read series keys", [&] {
        Statement rows(db_.get(),
                       "SELECT c.name, a.name, d.name, sum(bytes_up + bytes_down), "
                       "sum(connections) FROM usage JOIN class AS c ON c.id = class "
                       "JOIN app AS a ON a.id = app JOIN destination AS d ON d.id = destination "
                       "WHERE bucket >= ? AND bucket < ? GROUP BY class, app, destination");
        rows.bind(from, to);
        while (rows.step()) {
            all.push_back(
                {{rows.text(0), app_of(rows.text(1)), rows.text(2)}, rows.count(3), rows.count(4)});
            bytes += static_cast<double>(all.back().bytes);
            connections += static_cast<double>(all.back().connections);
        }
    });
    const auto weight = [&](const SeriesWeight& w) {
        return static_cast<double>(w.bytes) / std::max(bytes, 1.0) +
               static_cast<double>(w.connections) / std::max(connections, 1.0);
    };
    std::sort(all.begin(), all.end(), [&](const SeriesWeight& a, const SeriesWeight& b) {
        const double wa = weight(a);
        const double wb = weight(b);
        return wa != wb ? wa > wb : a.key < b.key;
    });
    return all;
}

std::optional<std::int64_t> UsageStore::first_bucket(const std::string& usage_class) {
    std::optional<std::int64_t> first;
    guarded("read class", [&] {
        Statement rows(db_.get(), "SELECT min(bucket) FROM usage "
                                  "WHERE class = (SELECT id FROM class WHERE name = ?) "
                                  "HAVING count(*) > 0");
        rows.bind(usage_class);
        if (rows.step()) {
            first = rows.integer(0);
        }
    });
    return first;
}

std::size_t UsageStore::observed_buckets(std::int64_t from, std::int64_t to) {
    std::size_t count = 0;
    guarded("read buckets", [&] {
        Statement rows(db_.get(), "SELECT count(*) FROM bucket "
                                  "WHERE start >= ? AND start < ? AND observed >= ?");
        rows.bind(from, to, std::int64_t{bucket_.count() * 9 / 10});
        if (rows.step()) {
            count = rows.count(0);
        }
    });
    return count;
}

std::optional<UsageStore::Span> UsageStore::span() {
    std::optional<Span> span;
    guarded("read buckets", [&] {
        Statement rows(db_.get(), "SELECT min(start), max(start) FROM bucket HAVING count(*) > 0");
        if (rows.step()) {
            span = Span{rows.integer(0), rows.integer(1)};
        }
    });
    return span;
}

bool UsageStore::each_bucket(std::int64_t from, std::int64_t to,
                             const std::function<void(const ObservedBucket&)>& visit) {
    return guarded("read buckets", [&] {
        Statement buckets(db_.get(), "SELECT start, observed FROM bucket "
                                     "WHERE start >= ? AND start < ? ORDER BY start");
        Statement rows(db_.get(), std::string("SELECT c.name, a.name, d.name, ") + kColumns +
                                      " FROM usage JOIN class AS c ON c.id = class "
                                      "JOIN app AS a ON a.id = app "
                                      "JOIN destination AS d ON d.id = destination "
                                      "WHERE bucket = ?");
        buckets.bind(from, to);
        while (buckets.step()) {
            ObservedBucket bucket{buckets.integer(0), std::chrono::seconds{buckets.integer(1)}, {}};
            rows.bind(bucket.start);
            while (rows.step()) {
                bucket.records.push_back({bucket.start, rows.text(0), app_of(rows.text(1)),
                                          rows.text(2), rows.count(8), rows.count(9), rows.count(6),
                                          rows.count(7), rows.count(4), rows.count(5),
                                          static_cast<std::uint32_t>(rows.count(3))});
            }
            std::sort(bucket.records.begin(), bucket.records.end(),
                      [](const UsageRecord& a, const UsageRecord& b) {
                          return std::tie(a.usage_class, a.app, a.destination) <
                                 std::tie(b.usage_class, b.app, b.destination);
                      });
            visit(bucket);
        }
    });
}

} // namespace foregate::control
