// SPDX-License-Identifier: BSD-3-Clause
// The client's side of the unix socket: requests and replies as JSON. One thread.
#pragma once

#include "control/console/command.h"
#include "control/console/line_socket.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace foregate::control {

class Connection {
public:
    /// Throws std::runtime_error that says whether the gateway is not running or the user may not.
    explicit Connection(const std::filesystem::path& socket);

    /// Throws std::runtime_error when the gateway goes away. A reply always has a boolean "ok".
    nlohmann::ordered_json ask(const nlohmann::ordered_json& request);

    nlohmann::ordered_json command(const std::string& line, bool json) {
        return ask({{"command", line}, {"json", json}});
    }
    std::vector<Completion> complete(const std::string& line);
    std::string help(const std::string& line);

private:
    LineSocket socket_;
};

} // namespace foregate::control
