// SPDX-License-Identifier: BSD-3-Clause
#include "bench/result.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace foregate::bench {

double median_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

BenchResult summarise(std::string name, std::string unit, const std::vector<double>& values) {
    const double median = median_of(values);
    std::vector<double> away;
    away.reserve(values.size());
    for (const double value : values) {
        away.push_back(std::fabs(value - median));
    }
    return {std::move(name), std::move(unit), median, median_of(std::move(away)), static_cast<int>(values.size()),
            std::nullopt, values};
}

BenchResult measure(std::string name, std::string unit, int runs, const std::function<double()>& once) {
    std::vector<double> values;
    (void)once();
    for (int run = 0; run < runs; ++run) {
        values.push_back(once());
    }
    return summarise(std::move(name), std::move(unit), values);
}

std::vector<BenchResult> joined(const std::vector<BenchResult>& rounds) {
    std::vector<BenchResult> out;
    for (const BenchResult& one : rounds) {
        const auto same = std::find_if(out.begin(), out.end(), [&](const BenchResult& r) { return r.name == one.name; });
        if (same == out.end()) {
            out.push_back(one);
        } else {
            same->values.insert(same->values.end(), one.values.begin(), one.values.end());
        }
    }
    for (BenchResult& result : out) {
        auto yardstick = std::move(result.yardstick);
        result = summarise(std::move(result.name), std::move(result.unit), std::vector<double>(result.values));
        result.yardstick = std::move(yardstick);
    }
    return out;
}

nlohmann::ordered_json to_json(const BenchResult& result) {
    nlohmann::ordered_json out{{"name", result.name},
                               {"unit", result.unit},
                               {"median", result.median},
                               {"mad", result.mad},
                               {"runs", result.runs}};
    if (result.yardstick) {
        out["yardstick"] = {{"name", result.yardstick->name}, {"median", result.yardstick->median}};
        if (result.yardstick->median > 0) {
            out["ratio"] = result.median / result.yardstick->median;
        }
    }
    return out;
}

nlohmann::ordered_json to_whole_json(const BenchResult& result) {
    nlohmann::ordered_json out = to_json(result);
    out["values"] = result.values;
    return out;
}

BenchResult from_whole_json(const nlohmann::ordered_json& value) {
    BenchResult out{value.at("name"), value.at("unit"), value.at("median"), value.at("mad"), value.at("runs")};
    out.values = value.at("values").get<std::vector<double>>();
    if (value.contains("yardstick")) {
        out.yardstick = Yardstick{value["yardstick"].at("name"), value["yardstick"].at("median")};
    }
    return out;
}

} // namespace foregate::bench
