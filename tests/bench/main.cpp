// SPDX-License-Identifier: BSD-3-Clause
// foregate-bench: measures, and prints one JSON object for each benchmark, or a table.
#include "bench/apart.h"
#include "bench/bench_pipeline.h"
#include "bench/bench_ports.h"
#include "bench/bench_shape.h"
#include "bench/bench_splice.h"
#include "bench/bench_threat.h"
#include "bench/machine.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

namespace foregate::bench {

namespace {

/// For developers: less than all of the pipeline.
struct Choice {
    bool quick = false;
    std::string only; ///< parts with this in their name
    int rounds = 3;
};

std::vector<BenchResult> pipeline(const Choice& choice) {
    if (choice.quick) {
        return bench_pipeline_quick();
    }
    auto results = bench_pipeline(choice.only, choice.rounds);
    if (choice.only.empty() || choice.only == "ports") {
        for (auto& result : bench_ports(choice.rounds)) {
            results.push_back(std::move(result));
        }
    }
    return results;
}

std::vector<BenchResult> splice(const Choice&) { return bench_splice(); }

std::vector<BenchResult> threat(const Choice&) { return bench_threat(); }

std::vector<BenchResult> shape(const Choice&) {
    return run_apart([] {
        pin_to_bench_cpu();
        return bench_shape();
    });
}

void print_table(const nlohmann::ordered_json& report) {
    std::cout << report["bench"].get<std::string>() << ':';
    for (const auto& [key, value] : report["machine"].items()) {
        std::cout << "  " << key << ' ' << (value.is_string() ? value.get<std::string>() : value.dump());
    }
    std::cout << '\n';
    for (const auto& row : report["results"]) {
        std::printf("  %-44s %14.6g %-14s MAD %-10.3g %3d runs", row["name"].get<std::string>().c_str(),
                    row["median"].get<double>(), row["unit"].get<std::string>().c_str(), row["mad"].get<double>(),
                    row["runs"].get<int>());
        if (row.contains("yardstick")) {
            std::printf("   %s %.6g, ratio %.3g", row["yardstick"]["name"].get<std::string>().c_str(),
                        row["yardstick"]["median"].get<double>(), row.value("ratio", 0.0));
        }
        std::printf("\n");
    }
    std::fflush(stdout);
}

using Benches = std::map<std::string, std::vector<BenchResult> (*)(const Choice&)>;

const Benches kBenches{{"pipeline", &pipeline}, {"shape", &shape}, {"splice", &splice}, {"threat", &threat}};

void run(const std::string& name, const Choice& choice, bool json, std::ostream& copy) {
    nlohmann::ordered_json report{{"bench", name}, {"machine", machine()}, {"results", nlohmann::ordered_json::array()}};
    for (const BenchResult& result : kBenches.at(name)(choice)) {
        report["results"].push_back(to_json(result));
    }
    copy << report.dump() << std::endl;
    if (json) {
        std::cout << report.dump() << std::endl;
    } else {
        print_table(report);
    }
}

} // namespace

} // namespace foregate::bench

int main(int argc, char** argv) {
    using namespace foregate::bench;
    CLI::App app{"Benchmarks of foregate. Medians and median absolute deviations; docs/benchmarks.md says of what."};
    std::string name;
    std::string out;
    bool json = false;
    Choice choice;
    std::vector<std::string> names{"all"};
    for (const auto& [known, function] : kBenches) {
        names.push_back(known);
    }
    app.add_option("NAME", name, "which one; all: one after the other")->required()->check(CLI::IsMember(names));
    app.add_flag("--json", json, "one JSON object a line and benchmark");
    app.add_option("--only", choice.only, "pipeline only: the parts with this in their name");
    app.add_option("--rounds", choice.rounds, "pipeline only: how often each part is measured")->check(CLI::Range(1, 99));
    app.add_flag("--quick", choice.quick, "pipeline only: 64-byte packets of decided flows, without a yardstick; some seconds");
    app.add_option("--out", out, "write the JSON objects to this file as well");
    CLI11_PARSE(app, argc, argv);
    if (const std::string reason = unfit_build(); !reason.empty()) {
        std::cerr << "foregate-bench: " << reason << '\n';
        return 1;
    }
    if ((choice.quick || !choice.only.empty()) && name != "pipeline") {
        std::cerr << "foregate-bench: " << name << " is not measured in parts\n";
        return 2;
    }
    std::ofstream copy;
    if (!out.empty()) {
        copy.open(out);
        if (!copy) {
            std::cerr << out << ": cannot be written\n";
            return 1;
        }
    }
    try {
        for (const auto& [known, function] : kBenches) {
            if (name == "all" || name == known) {
                run(known, choice, json, copy);
            }
        }
    } catch (const std::exception& error) {
        std::cerr << "foregate-bench: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
