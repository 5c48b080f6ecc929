// SPDX-License-Identifier: BSD-3-Clause
#include "bench/pcap_files.h"

#include "bench/traffic.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <numeric>
#include <random>
#include <stdexcept>

namespace foregate::bench {

using namespace dataplane;

namespace {

void put32(std::ofstream& to, std::uint32_t value) { to.write(reinterpret_cast<const char*>(&value), sizeof value); }

/// The classic format of libpcap, microseconds, Ethernet, in this machine's byte order.
void write_file(const std::filesystem::path& path, std::uint32_t flows, bool up, const MacAddress& to) {
    std::vector<std::uint32_t> order(flows);
    std::iota(order.begin(), order.end(), 0U);
    std::shuffle(order.begin(), order.end(), std::mt19937(up ? 1 : 2));
    std::ofstream file(path, std::ios::binary);
    for (const std::uint32_t word : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 65535U, 1U}) {
        put32(file, word);
    }
    FrameWriter writer;
    std::vector<std::uint8_t> frame(FrameWriter::kRoomBytes);
    for (const std::uint32_t number : order) {
        const unsigned length = writer.write(number, up, tcp_ack, to, frame.data());
        for (const std::uint32_t word : {0U, 0U, length, length}) {
            put32(file, word);
        }
        file.write(reinterpret_cast<const char*>(frame.data()), length);
    }
    file.close();
    if (!file) {
        throw std::runtime_error(path.string() + ": cannot be written");
    }
}

} // namespace

PcapFiles::PcapFiles(std::uint32_t flows) {
    std::string name = (std::filesystem::temp_directory_path() / "foregate-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error(name + ": " + std::strerror(errno));
    }
    folder_ = name;
    for (std::uint8_t port = 0; port < 2; ++port) {
        // The driver numbers its ports by this address when they have no interface.
        const MacAddress mac{0x02, 0x70, 0x63, 0x61, 0x70, port};
        const auto path = folder_ / (port == 0 ? "desktops.pcap" : "upstream.pcap");
        write_file(path, flows, port == 0, mac);
        devices_.push_back("net_pcap" + std::to_string(port) + ",rx_pcap=" + path.string() + ",infinite_rx=1");
    }
}

PcapFiles::~PcapFiles() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

} // namespace foregate::bench
