// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/client.h"

#include "control/console/command_line.h"
#include "control/console/connection.h"
#include "control/console/interactive.h"
#include "control/console/render.h"

#include <iostream>
#include <stdexcept>
#include <unistd.h>

namespace foregate::control {
namespace {

/// False after an error, which has been reported with `where` before it.
bool run_line(Connection& gateway, const std::string& line, bool json, const std::string& where,
              std::ostream& out, std::ostream& err) {
    if (line.size() > kMaxLineBytes / 8) { // leaves room for JSON escapes under the request's cap
        err << where << "line too long\n";
        return false;
    }
    const nlohmann::ordered_json reply = gateway.command(line, json);
    if (!reply["ok"].get<bool>()) {
        err << where << reply.value("error", "failed") << '\n';
        return false;
    }
    if (json) {
        out << render_json(reply.contains("value") ? reply["value"] : nullptr, -1) << '\n';
    } else {
        out << reply.value("text", "");
    }
    out.flush();
    return static_cast<bool>(out);
}

int run_batch(Connection& gateway, bool json, std::ostream& out, std::ostream& err,
              std::istream& in) {
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        const std::size_t first = line.find_first_not_of(" \t\r");
        if (first == std::string::npos || line[first] == '#') {
            continue;
        }
        if (line.find("quit", first) == first || line.find("exit", first) == first) {
            if (line.find_first_not_of(" \t\r", first + 4) == std::string::npos) {
                return 0;
            }
        }
        if (!run_line(gateway, line, json, "line " + std::to_string(number) + ": ", out, err)) {
            return 1;
        }
    }
    return 0;
}

} // namespace

int run_console(const std::filesystem::path& socket, const std::vector<std::string>& words,
                bool json, std::ostream& out, std::ostream& err, std::istream& in) {
    try {
        Connection gateway(socket);
        if (!words.empty()) {
            return run_line(gateway, join_words(words), json, "", out, err) ? 0 : 1;
        }
        if (&in == &std::cin && ::isatty(STDIN_FILENO) != 0) {
            return run_interactive(gateway, json, out, err);
        }
        return run_batch(gateway, json, out, err, in);
    } catch (const std::exception& e) {
        err << "foregate console: " << e.what() << '\n';
        return 1;
    }
}

int run_console(const std::filesystem::path& socket, const std::vector<std::string>& words,
                bool json, std::ostream& out, std::ostream& err) {
    return run_console(socket, words, json, out, err, std::cin);
}

} // namespace foregate::control
