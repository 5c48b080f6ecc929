// SPDX-License-Identifier: BSD-3-Clause
#include "bench/openvswitch.h"

#include "bench/machine.h"
#include "bench/result.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace foregate::bench {

namespace {

constexpr const char* kSwitch = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk";

std::string quoted(const std::string& word) { return "'" + word + "'"; } // our own paths and numbers: no quotes in them

} // namespace

std::string no_openvswitch() {
    constexpr unsigned kMemoryMb = 1000; // it takes no other memory than hugepages
    if (::access(kSwitch, X_OK) != 0) {
        return "Open vSwitch with DPDK (package openvswitch-switch-dpdk) is not installed";
    }
    return hugepages_for(kMemoryMb) ? "" : "Open vSwitch with DPDK needs 1000 MB of free hugepages";
}

double openvswitch_conntrack_pps(const std::vector<std::string>& devices, unsigned cpu) {
    const std::string command = "bash " + quoted(FOREGATE_SOURCE_ROOT "/tests/bench/openvswitch.sh") + " " +
                                std::to_string(cpu) + " " + quoted(devices.at(0)) + " " + quoted(devices.at(1)) + " 2>&1";
    struct Close {
        void operator()(std::FILE* pipe) const noexcept { ::pclose(pipe); }
    };
    std::unique_ptr<std::FILE, Close> pipe(::popen(command.c_str(), "r"));
    if (!pipe) {
        throw std::runtime_error("bash cannot be started");
    }
    std::string text;
    char buffer[512];
    while (std::fgets(buffer, sizeof buffer, pipe.get()) != nullptr) {
        text += buffer;
    }
    const int status = ::pclose(pipe.release());
    std::vector<double> figures;
    std::istringstream lines(text); // the daemons' own messages, which begin with a date, are between the figures
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && line.find_first_not_of("0123456789") == std::string::npos) {
            figures.push_back(std::stod(line));
        }
    }
    if (status != 0 || figures.size() != 3) {
        throw std::runtime_error("Open vSwitch gave no figures: " +
                                 text.substr(text.size() - std::min<std::size_t>(text.size(), 1000)));
    }
    const double figure = median_of(figures);
    if (figure < 1) {
        throw std::runtime_error("Open vSwitch forwarded nothing");
    }
    return figure;
}

} // namespace foregate::bench
