// SPDX-License-Identifier: BSD-3-Clause
// A small table of commands and a running control thread for the console's tests.
#pragma once

#include "control/console/command_runner.h"

#include <atomic>
#include <filesystem>
#include <poll.h>
#include <stdexcept>
#include <stdlib.h>
#include <string>
#include <thread>
#include <vector>

namespace foregate::control {

inline void fill_sample_table(CommandTable& table, std::vector<std::string>& logins) {
    using Json = nlohmann::ordered_json;
    table.add({"show ports",
               "",
               "Ports and their counters",
               false,
               [](const CommandArgs&) {
                   return CommandResult::success({{{"port", "desk0"}, {"rx_packets", 12}},
                                                  {{"port", "up0"}, {"rx_packets", 3456}}});
               },
               {}});
    table.add({"show sessions",
               "",
               "All sessions",
               false,
               [](const CommandArgs&) { return CommandResult::success(Json::array()); },
               {}});
    table.add(
        {"show session", "NAME", "One shadow session", false,
         [](const CommandArgs& args) {
             return CommandResult::success({{"desktop", args.words.at(0)}, {"state", "active"}});
         },
         [](const CommandArgs&, const std::string&) {
             return std::vector<std::string>{"desk-1", "desk-2", "other"};
         }});
    table.add({"session login",
               "NAME",
               "Log a desktop in",
               true,
               [&logins](const CommandArgs& args) {
                   logins.push_back(args.words.at(0));
                   return CommandResult::success();
               },
               {}});
    table.add(
        {"session logout",
         "NAME [REASON]",
         "Log a desktop out",
         true,
         [](const CommandArgs&) -> CommandResult { throw std::runtime_error("no such desktop"); },
         {}});
}

/// The control thread, as the gateway has one. `logins` is its own until the object is destroyed.
class SampleConsole {
public:
    SampleConsole() {
        fill_sample_table(table, logins);
        control_ = std::thread([this] {
            while (!ended_) {
                pollfd polled{queue.event_fd(), POLLIN, 0};
                ::poll(&polled, 1, -1);
                queue.run_pending();
            }
        });
    }
    ~SampleConsole() {
        queue.post([this] { ended_ = true; });
        control_.join();
        queue.stop();
    }

    std::vector<std::string> logins;
    CommandTable table;
    ControlQueue queue;
    CommandRunner runner{table, queue};

private:
    bool ended_ = false; ///< the control thread's
    std::thread control_;
};

class TempFolder {
public:
    TempFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "fgtestXXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~TempFolder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

} // namespace foregate::control
