// SPDX-License-Identifier: BSD-3-Clause
#include "sample_summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "json_line.h"

namespace foregate::lab {

std::string summarize(std::vector<double> samples) {
    JsonLine line;
    line.add("count", std::uint64_t{samples.size()});
    if (samples.empty()) {
        return line.str();
    }
    std::sort(samples.begin(), samples.end());
    const double size = static_cast<double>(samples.size());
    const auto rank = [&](double share) {
        const double at = std::max(std::ceil(share * size) - 1, 0.0);
        return samples[static_cast<std::size_t>(at)];
    };
    return line.add("min", samples.front())
        .add("mean", std::accumulate(samples.begin(), samples.end(), 0.0) / size)
        .add("p50", rank(0.50))
        .add("p90", rank(0.90))
        .add("p99", rank(0.99))
        .add("max", samples.back())
        .str();
}

} // namespace foregate::lab
