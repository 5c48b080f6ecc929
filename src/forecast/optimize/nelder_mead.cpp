// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/optimize/nelder_mead.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace foregate::forecast {
namespace {

struct Vertex {
    std::vector<double> point;
    double value = 0;
};

class Search {
public:
    Search(const std::function<double(const std::vector<double>&)>& function, const Box& box)
        : function_(function), box_(box) {}

    Vertex evaluate(std::vector<double> point) {
        for (std::size_t i = 0; i < point.size(); ++i) {
            point[i] = std::clamp(point[i], box_.low[i], box_.high[i]);
        }
        ++evaluations_;
        const double value = function_(point);
        return {std::move(point),
                std::isfinite(value) ? value : std::numeric_limits<double>::infinity()};
    }

    // The point center + factor * (worst - center).
    Vertex along(const std::vector<double>& center, const Vertex& worst, double factor) {
        std::vector<double> point(center.size());
        for (std::size_t i = 0; i < center.size(); ++i) {
            point[i] = center[i] + factor * (worst.point[i] - center[i]);
        }
        return evaluate(std::move(point));
    }

    int evaluations() const { return evaluations_; }

private:
    const std::function<double(const std::vector<double>&)>& function_;
    const Box& box_;
    int evaluations_ = 0;
};

std::vector<double> center_of_all_but_last(const std::vector<Vertex>& simplex) {
    std::vector<double> center(simplex.front().point.size(), 0.0);
    for (std::size_t v = 0; v + 1 < simplex.size(); ++v) {
        for (std::size_t i = 0; i < center.size(); ++i) {
            center[i] += simplex[v].point[i] / static_cast<double>(simplex.size() - 1);
        }
    }
    return center;
}

// The farthest a vertex lies from the first, in any variable, as a share of the box.
double extent(const std::vector<Vertex>& simplex, const Box& box) {
    double most = 0;
    for (const Vertex& vertex : simplex) {
        for (std::size_t i = 0; i < vertex.point.size(); ++i) {
            const double width = box.high[i] - box.low[i];
            const double distance = std::abs(vertex.point[i] - simplex.front().point[i]);
            most = std::max(most, width > 0 ? distance / width : 0);
        }
    }
    return most;
}

void shrink(std::vector<Vertex>& simplex, Search& search) {
    for (std::size_t v = 1; v < simplex.size(); ++v) {
        simplex[v] = search.along(simplex[0].point, simplex[v], 0.5);
    }
}

void improve_worst(std::vector<Vertex>& simplex, Search& search) {
    Vertex& worst = simplex.back();
    const std::vector<double> center = center_of_all_but_last(simplex);
    Vertex reflected = search.along(center, worst, -1.0);
    if (reflected.value < simplex.front().value) {
        Vertex expanded = search.along(center, worst, -2.0);
        worst = expanded.value < reflected.value ? std::move(expanded) : std::move(reflected);
        return;
    }
    if (reflected.value < simplex[simplex.size() - 2].value) {
        worst = std::move(reflected);
        return;
    }
    const bool outside = reflected.value < worst.value;
    Vertex contracted = search.along(center, worst, outside ? -0.5 : 0.5);
    if (contracted.value < std::min(reflected.value, worst.value)) {
        worst = std::move(contracted);
    } else {
        shrink(simplex, search);
    }
}

} // namespace

Minimum nelder_mead(const std::function<double(const std::vector<double>&)>& function,
                    const std::vector<double>& start, const Box& box, double step_share,
                    int max_evaluations, double tolerance) {
    Search search(function, box);
    std::vector<Vertex> simplex{search.evaluate(start)};
    for (std::size_t i = 0; i < start.size(); ++i) {
        std::vector<double> point = start;
        const double step = step_share * (box.high[i] - box.low[i]);
        point[i] += point[i] + step <= box.high[i] ? step : -step;
        simplex.push_back(search.evaluate(std::move(point)));
    }
    const auto by_value = [](const Vertex& a, const Vertex& b) { return a.value < b.value; };
    for (;;) {
        std::stable_sort(simplex.begin(), simplex.end(), by_value);
        const double spread = simplex.back().value - simplex.front().value;
        if (search.evaluations() >= max_evaluations ||
            (spread <= tolerance * std::abs(simplex.front().value) &&
             extent(simplex, box) <= std::sqrt(tolerance))) {
            break;
        }
        improve_worst(simplex, search);
    }
    return {simplex.front().point, simplex.front().value, search.evaluations()};
}

} // namespace foregate::forecast
