// SPDX-License-Identifier: BSD-3-Clause
// foregate: subcommands. `foregate run` starts in order and stops in reverse; the rest works offline.
#include "control/classify/classify_command.h"
#include "control/config/check_command.h"
#include "control/config/load_config.h"
#include "control/console/client.h"
#include "control/forecast_command.h"
#include "control/gateway.h"
#include "control/threat/threat_cli.h"
#include "control/usage/usage_csv.h"

#include <CLI/CLI.hpp>

#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <unistd.h>

namespace {

using namespace foregate::control;

int run_gateway(const std::string& file) {
    std::signal(SIGPIPE, SIG_IGN);
    // Before any thread exists: all inherit the mask, and only the control loop's signalfd hears of a stop.
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stops, nullptr);
    const Config config = load_config(file);
    for (const std::string& warning : config.warnings) {
        std::cerr << warning << '\n';
    }
    Gateway gateway(config);
    return gateway.run();
}

/// The benchmarks are a program of their own, foregate-bench, beside this one or in the build folder's tests/bench/.
int run_bench(const std::vector<std::string>& words) {
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    for (const auto& program : {here / "foregate-bench", here / "tests" / "bench" / "foregate-bench"}) {
        if (std::filesystem::exists(program)) {
            std::string path = program;
            std::vector<std::string> copies = words;
            std::vector<char*> arguments{path.data()};
            for (std::string& word : copies) {
                arguments.push_back(word.data());
            }
            arguments.push_back(nullptr);
            ::execv(path.c_str(), arguments.data());
        }
    }
    std::cerr << "foregate-bench is not built: scripts/bench builds and runs it\n";
    return 1;
}

void add_usage(CLI::App& app, std::function<int()>& chosen, std::string& config) {
    static UsageImportOptions import_options;
    static std::string from;
    static std::string to;
    static std::string before;
    CLI::App* usage = app.add_subcommand("usage", "the usage store, offline")->require_subcommand(1);
    CLI::App* import = usage->add_subcommand("import", "read records from a CSV file");
    import->add_option("FILE", import_options.file, "CSV file, - for standard input")->required();
    import->add_option("--config", config, "configuration file")->required();
    import->add_flag("--skip-bad", import_options.skip_bad, "import the good lines though others are bad");
    import->add_flag("--dense", import_options.dense, "buckets that the file does not name were observed and quiet");
    import->callback([&] { chosen = [&] { return run_usage_import(load_config(config), import_options, std::cout, std::cerr); }; });
    const auto time = [](const std::string& text, const char* option) {
        const auto parsed = parse_local_time(text);
        if (!parsed) {
            throw std::runtime_error(std::string(option) + ": " + text + " is no time, expected YYYY-MM-DD HH:MM");
        }
        return *parsed;
    };
    CLI::App* export_ = usage->add_subcommand("export", "write records as CSV to standard output");
    export_->add_option("--config", config, "configuration file")->required();
    export_->add_option("--from", from, "first bucket, YYYY-MM-DD HH:MM");
    export_->add_option("--to", to, "end, YYYY-MM-DD HH:MM");
    export_->callback([&, time] {
        chosen = [&, time] {
            UsageExportOptions options;
            if (!from.empty()) {
                options.from = time(from, "--from");
            }
            if (!to.empty()) {
                options.to = time(to, "--to");
            }
            return run_usage_export(load_config(config), options, std::cout, std::cerr);
        };
    });
    CLI::App* prune = usage->add_subcommand("prune", "remove old buckets");
    prune->add_option("--config", config, "configuration file")->required();
    prune->add_option("--before", before, "YYYY-MM-DD HH:MM")->required();
    prune->callback([&, time] {
        chosen = [&, time] {
            return run_usage_prune(load_config(config), UsagePruneOptions{time(before, "--before")}, std::cout, std::cerr);
        };
    });
}

void add_threat(CLI::App& app, std::function<int()>& chosen) {
    static std::vector<std::string> feeds;
    static std::string folder;
    static std::string names;
    static bool json = false;
    CLI::App* threat = app.add_subcommand("threat", "threat feeds, offline")->require_subcommand(1);
    CLI::App* check = threat->add_subcommand("check", "read feeds and report what they hold");
    check->add_option("FEED", feeds, "feed files or folders")->required();
    check->add_flag("--json", json, "machine output");
    check->callback([&] { chosen = [&] { return run_threat_check(feeds, json, std::cout, std::cerr); }; });
    CLI::App* match = threat->add_subcommand("match", "say what a list decides about names and addresses");
    match->add_option("--feeds", folder, "feed file or folder")->required();
    match->add_option("--names", names, "file with one name, address or URL a line, - for standard input")->required();
    match->add_flag("--json", json, "machine output");
    match->callback([&] { chosen = [&] { return run_threat_match(folder, names, json, std::cin, std::cout, std::cerr); }; });
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"foregate: a gateway for fleets of virtual desktops"};
    app.set_version_flag("--version", std::string("foregate ") + FOREGATE_VERSION);
    app.require_subcommand(1);
    std::function<int()> chosen;
    std::string config;
    std::string socket = "/run/foregate/console.sock";
    bool json = false;
    std::vector<std::string> words;

    CLI::App* run = app.add_subcommand("run", "the gateway");
    run->add_option("--config", config, "configuration file")->required();
    run->callback([&] { chosen = [&] { return run_gateway(config); }; });

    CLI::App* check = app.add_subcommand("check", "validate a configuration file");
    check->add_option("--config", config, "configuration file")->required();
    check->add_flag("--json", json, "machine output");
    check->callback([&] { chosen = [&] { return run_check(config, json, std::cout, std::cerr); }; });

    CLI::App* console = app.add_subcommand("console", "the console of the running gateway");
    console->add_option("--socket", socket, "the gateway's console socket")->capture_default_str();
    console->add_option("--config", config, "take the socket from this configuration file");
    console->add_flag("--json", json, "machine output");
    console->add_option("COMMAND", words, "one command; without, interactive");
    console->callback([&] {
        chosen = [&] {
            return run_console(config.empty() ? socket : load_config(config).console.socket.string(), words, json,
                               std::cout, std::cerr);
        };
    });

    ForecastArguments forecast;
    CLI::App* forecasting = app.add_subcommand("forecast", "forecast series from a CSV file");
    forecasting->add_option("--in", forecast.in, "series,step|timestamp,value")->required();
    forecasting->add_option("--out", forecast.out, "series,step,mean,q025,q10,q50,q90,q975")->required();
    forecasting->add_option("--horizon", forecast.horizon, "steps ahead")->required();
    forecasting->add_option("--season", forecast.seasons, "steps in a season; a second, longer one after a comma")
        ->required()
        ->delimiter(',');
    forecasting->callback([&] { chosen = [&] { return run_forecast_command(forecast, std::cerr); }; });

    ClassifyArguments classify;
    CLI::App* classifying = app.add_subcommand("classify", "say what the flows of captures are");
    classifying->add_option("CAPTURE", classify.captures, "pcap or pcapng files")->required();
    classifying->add_option("--catalogue", classify.catalogues, "catalogue files on top of the built-in one")
        ->allow_extra_args(false);
    classifying->add_option("--feeds", classify.feeds, "threat feed file or folder for the verdicts");
    classifying->add_flag("--json", classify.json, "one JSON object for each flow");
    classifying->add_flag("--outer", classify.flat, "do not look into tunnels");
    classifying->callback([&] { chosen = [&] { return run_classify(classify, std::cout, std::cerr); }; });

    CLI::App* bench = app.add_subcommand("bench", "measure: pipeline, shape, splice, threat or all");
    bench->prefix_command();
    bench->callback([&, bench] { chosen = [bench] { return run_bench(bench->remaining()); }; });

    add_usage(app, chosen, config);
    add_threat(app, chosen);
    CLI11_PARSE(app, argc, argv);
    try {
        return chosen();
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
