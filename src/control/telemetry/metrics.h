// SPDX-License-Identifier: BSD-3-Clause
// Prometheus scrapes on threads of their own (prometheus-cpp's). The control thread publishes a
// finished set of samples now and then; a scrape only reads the last one, and never touches the
// control thread. Names follow prometheus.io/docs/practices/naming: foregate_ first, base units,
// _total for counters; no label per user, flow or destination.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace foregate::control {

struct HistogramValue {
    struct Bucket {
        double upper_bound = 0; ///< the last may be infinite
        std::uint64_t cumulative_count = 0;
    };
    std::vector<Bucket> buckets;
    double sum = 0;
    std::uint64_t count = 0;
};

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

/// One line of the exposition. Samples of one name share help and kind (the first one's) and differ
/// in labels.
struct MetricSample {
    std::string name;
    std::string help;
    MetricKind kind = MetricKind::gauge;
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
    HistogramValue histogram{}; ///< for MetricKind::histogram, instead of value
};

class MetricsServer {
public:
    /// Serves /metrics at once, with foregate_build_info{version}. Port 0: any free one (tests).
    /// Throws std::runtime_error naming address and port when they cannot be had.
    MetricsServer(const std::string& address, std::uint16_t port, const std::string& version);
    ~MetricsServer();
    MetricsServer(const MetricsServer&) = delete;
    MetricsServer& operator=(const MetricsServer&) = delete;

    /// Replaces all samples but build_info. Samples with names or labels that Prometheus does not
    /// take, or of another kind than the first of their name, are left out; returns how many. Any
    /// thread; the conversion runs on the caller's.
    std::size_t publish(const std::vector<MetricSample>& samples);

    [[nodiscard]] std::uint16_t port() const;

private:
    class Snapshot;
    std::shared_ptr<Snapshot> snapshot_;
    struct Door;
    std::unique_ptr<Door> door_; ///< closed before the snapshot goes
};

/// nullptr for port 0, which switches metrics off in the config.
[[nodiscard]] std::unique_ptr<MetricsServer>
start_metrics(const std::string& address, std::uint16_t port, const std::string& version);

} // namespace foregate::control
