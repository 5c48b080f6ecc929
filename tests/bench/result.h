// SPDX-License-Identifier: BSD-3-Clause
// What a benchmark says: a figure with its spread, and beside it, where there is one, the yardstick's figure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace foregate::bench {

/// Somebody else's figure for the same work, measured in the same run.
struct Yardstick {
    std::string name;
    double median = 0;
};

struct BenchResult {
    std::string name; ///< e.g. shaper_16k_desktops_cycles
    std::string unit;
    double median = 0;
    double mad = 0; ///< median absolute deviation
    int runs = 0;
    std::optional<Yardstick> yardstick{};
    std::vector<double> values{}; ///< the runs' figures; not printed, but kept from process to process
};

inline constexpr int kRuns = 9;

/// Of at least one value.
[[nodiscard]] double median_of(std::vector<double> values);
/// Median and MAD over the values.
[[nodiscard]] BenchResult summarise(std::string name, std::string unit, const std::vector<double>& values);
/// Calls `once` one time to warm up, then `runs` times for the figures it returns.
[[nodiscard]] BenchResult measure(std::string name, std::string unit, int runs, const std::function<double()>& once);

/// Rounds of the same parts, interleaved so that each figure sees the same weather: the values of one name together.
[[nodiscard]] std::vector<BenchResult> joined(const std::vector<BenchResult>& rounds);

/// {"name","unit","median","mad","runs"} and, with a yardstick, {"yardstick":{"name","median"},"ratio"}.
[[nodiscard]] nlohmann::ordered_json to_json(const BenchResult& result);
/// The same with the runs' values, for another process of ours.
[[nodiscard]] nlohmann::ordered_json to_whole_json(const BenchResult& result);
[[nodiscard]] BenchResult from_whole_json(const nlohmann::ordered_json& value);

} // namespace foregate::bench
