// SPDX-License-Identifier: BSD-3-Clause
#include "packet/ring_ports.h"

#include "dataplane/device/packet_pool.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ring.h>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace foregate::packet_test {

namespace {

struct Environment {
    Environment() {
        std::vector<std::string> args{
            "packet_test", "--no-huge",      "--no-shconf",
            "--no-pci",    "--no-telemetry", "-m",
            "256",         "--lcores",       "0@0",
            "--log-level", "lib.eal:4",      "--log-level",
            "pmd:4",       "--file-prefix",  "packet-test-" + std::to_string(::getpid())};
        std::vector<char*> argv;
        for (auto& a : args) {
            argv.push_back(a.data());
        }
        if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
            throw std::runtime_error(std::string("DPDK did not start: ") + rte_strerror(rte_errno));
        }
        pool = dataplane::make_packet_pool("packets", 4095, 0, 9600).release();
        for (unsigned i = 0; i < kRingPorts; ++i) {
            make_port(i);
        }
    }

    void make_port(unsigned i) {
        RingPort& port = ports[i];
        const std::string name = "wire" + std::to_string(i);
        for (unsigned q = 0; q < kRingPortQueues; ++q) {
            port.receive[q] =
                dataplane::make_packet_ring(name + "-rx" + std::to_string(q), 1024).release();
        }
        port.transmit = dataplane::make_packet_ring(name + "-tx", 1024).release();
        const int id = rte_eth_from_rings(name.c_str(), port.receive.data(), kRingPortQueues,
                                          &port.transmit, 1, 0);
        if (id < 0) {
            throw std::runtime_error("no ring port: " + std::string(rte_strerror(rte_errno)));
        }
        port.dpdk_id = static_cast<std::uint16_t>(id);
    }

    rte_mempool* pool = nullptr;
    std::array<RingPort, kRingPorts> ports{};
};

Environment& environment() {
    static Environment* const once =
        new Environment; // outlives every test and static; DPDK starts once only
    return *once;
}

} // namespace

const RingPort& ring_port(unsigned index) {
    return environment().ports[index];
}

rte_mempool* packet_pool() {
    return environment().pool;
}

} // namespace foregate::packet_test
