// SPDX-License-Identifier: BSD-3-Clause
#include "control/telemetry/metrics.h"

#include <prometheus/check_names.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <mutex>
#include <set>
#include <stdexcept>
#include <unordered_map>

namespace foregate::control {
namespace {

using Families = std::vector<prometheus::MetricFamily>;

prometheus::MetricType type_of(MetricKind kind) {
    switch (kind) {
    case MetricKind::counter:
        return prometheus::MetricType::Counter;
    case MetricKind::histogram:
        return prometheus::MetricType::Histogram;
    case MetricKind::gauge:
        break;
    }
    return prometheus::MetricType::Gauge;
}

prometheus::ClientMetric metric_of(const MetricSample& sample) {
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : sample.labels) {
        metric.label.push_back({name, value});
    }
    metric.counter.value = sample.value;
    metric.gauge.value = sample.value;
    metric.histogram.sample_count = sample.histogram.count;
    metric.histogram.sample_sum = sample.histogram.sum;
    for (const HistogramValue::Bucket& bucket : sample.histogram.buckets) {
        metric.histogram.bucket.push_back({bucket.cumulative_count, bucket.upper_bound});
    }
    return metric;
}

bool acceptable(const MetricSample& sample) {
    if (!prometheus::CheckMetricName(sample.name)) {
        return false;
    }
    std::set<std::string> seen;
    for (const auto& [name, value] : sample.labels) {
        if (!prometheus::CheckLabelName(name) ||
            (name == "le" && sample.kind == MetricKind::histogram) || !seen.insert(name).second) {
            return false;
        }
    }
    return true;
}

} // namespace

/// The last published set; the mutex is held only to copy a pointer.
class MetricsServer::Snapshot final : public prometheus::Collectable {
public:
    [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
        std::shared_ptr<const Families> families;
        {
            const std::lock_guard lock(mutex_);
            families = families_;
        }
        return *families;
    }
    void replace(std::shared_ptr<const Families> families) {
        const std::lock_guard lock(mutex_);
        families_.swap(families);
    }

    prometheus::MetricFamily build_info; ///< set before serving begins

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const Families> families_ = std::make_shared<const Families>();
};

struct MetricsServer::Door {
    Door(const std::string& where, const std::shared_ptr<Snapshot>& snapshot) : exposer(where, 2) {
        exposer.RegisterCollectable(snapshot);
    }
    prometheus::Exposer exposer;
};

MetricsServer::MetricsServer(const std::string& address, std::uint16_t port,
                             const std::string& version)
    : snapshot_(std::make_shared<Snapshot>()) {
    const MetricSample info{"foregate_build_info",
                            "1, with the version as a label",
                            MetricKind::gauge,
                            {{"version", version}},
                            1.0,
                            {}};
    snapshot_->build_info = {info.name, info.help, type_of(info.kind), {metric_of(info)}};
    publish({});
    const bool v6 = address.find(':') != std::string::npos;
    const std::string where = (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
    try {
        door_ = std::make_unique<Door>(where, snapshot_);
    } catch (const std::exception& e) {
        throw std::runtime_error("metrics on " + where + ": cannot listen (" + e.what() + ")");
    }
}

MetricsServer::~MetricsServer() = default;

std::size_t MetricsServer::publish(const std::vector<MetricSample>& samples) {
    auto families = std::make_shared<Families>(1, snapshot_->build_info);
    std::unordered_map<std::string, std::size_t> at{{snapshot_->build_info.name, 0}};
    std::size_t left_out = 0;
    for (const MetricSample& sample : samples) {
        const prometheus::MetricType type = type_of(sample.kind);
        const auto [known, fresh] = at.try_emplace(sample.name, families->size());
        if (!acceptable(sample) ||
            (!fresh && (known->second == 0 || (*families)[known->second].type != type))) {
            ++left_out;
            if (fresh) {
                at.erase(known);
            }
            continue;
        }
        if (fresh) {
            families->push_back({sample.name, sample.help, type, {}});
        }
        (*families)[known->second].metric.push_back(metric_of(sample));
    }
    snapshot_->replace(std::move(families));
    return left_out;
}

std::uint16_t MetricsServer::port() const {
    const std::vector<int> ports = door_->exposer.GetListeningPorts();
    return ports.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(ports.front());
}

std::unique_ptr<MetricsServer> start_metrics(const std::string& address, std::uint16_t port,
                                             const std::string& version) {
    return port == 0 ? nullptr : std::make_unique<MetricsServer>(address, port, version);
}

} // namespace foregate::control
