// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/check_command.h"

#include "control/classify/catalogue_file.h"
#include "control/config/load_config.h"

#include <nlohmann/json.hpp>

#include <ostream>

namespace foregate::control {

namespace {

using Json = nlohmann::ordered_json;

void write(std::ostream& out, const Json& object) {
    out << object.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
}

std::string counted(std::size_t count, const std::string& one, const std::string& many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

void write_summary(const Config& config, std::ostream& out, std::ostream& err) {
    for (const auto& warning : config.warnings) {
        err << warning << "\n";
    }
    out << config.source.string() << ": valid: " << counted(config.ports.size(), "port", "ports")
        << ", " << counted(config.classes.size(), "class", "classes") << ", "
        << counted(config.desktops.size(), "desktop", "desktops") << ", "
        << counted(config.threats.feeds.size(), "feed", "feeds") << ", "
        << counted(config.warnings.size(), "warning", "warnings") << "\n";
}

} // namespace

int run_check(const std::filesystem::path& file, bool json, std::ostream& out, std::ostream& err) {
    try {
        const Config config = load_config(file);
        if (!config.classify.catalogue.empty()) {
            (void)compile_catalogue(config.classify.catalogue); // throws ConfigError with the files' own lines
        }
        if (json) {
            write(out, {{"ok", true},
                        {"file", file.string()},
                        {"ports", config.ports.size()},
                        {"classes", config.classes.size()},
                        {"desktops", config.desktops.size()},
                        {"feeds", config.threats.feeds.size()},
                        {"warnings", config.warnings}});
        } else {
            write_summary(config, out, err);
        }
        return 0;
    } catch (const ConfigError& error) {
        if (!json) {
            err << error.what() << "\n";
            return 1;
        }
        Json problems = Json::array();
        for (const auto& problem : error.problems()) {
            problems.push_back({{"file", problem.mark.file},
                                {"line", problem.mark.line},
                                {"message", problem.message}});
        }
        write(out, {{"ok", false}, {"file", file.string()}, {"errors", std::move(problems)}});
        return 1;
    }
}

} // namespace foregate::control
