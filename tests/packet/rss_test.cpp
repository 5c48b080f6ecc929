// SPDX-License-Identifier: BSD-3-Clause
// Receive side scaling as a port asks for it, on net_null: a driver that takes and shows a hash key and a redirection
// table but moves no packets. And what several workers must not share.
#include "dataplane/device/port.h"
#include "dataplane/worker/transmit_stage.h"
#include "dataplane/worker/worker.h"
#include "packet/gateway_rig.h"
#include "packet/ring_ports.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <type_traits>

namespace foregate::packet_test {
namespace {

using namespace dataplane;

PortSettings null_port(const std::string& device) {
    PortSettings settings;
    settings.name = "port";
    settings.device = device;
    settings.descriptors = 64;
    return settings;
}

std::uint16_t entry_of(const Port& port, unsigned at, std::uint16_t size) {
    std::vector<rte_eth_rss_reta_entry64> table(size / RTE_ETH_RETA_GROUP_SIZE);
    for (auto& group : table) {
        group.mask = ~std::uint64_t{0};
    }
    EXPECT_EQ(rte_eth_dev_rss_reta_query(port.dpdk_id(), table.data(), size), 0);
    return table[at / RTE_ETH_RETA_GROUP_SIZE].reta[at % RTE_ETH_RETA_GROUP_SIZE];
}

TEST(PortRss, SymmetricWhereTheDriverTakesKeyAndTable) {
    (void)packet_pool(); // starts DPDK
    rte_eth_dev_info info{};
    for (const unsigned workers : {2U, 3U, 4U}) {
        const Port port(null_port("net_null7"), 0, workers, packet_pool());
        ASSERT_EQ(rte_eth_dev_info_get(port.dpdk_id(), &info), 0);
        EXPECT_EQ(port.rx_queues(), workers);
        EXPECT_TRUE(port.spread().symmetric) << port.spread().text;
        EXPECT_EQ(port.spread().text, "symmetric RSS on addresses, " + std::to_string(workers) + " queues");
        std::array<std::uint8_t, 64> key{};
        rte_eth_rss_conf conf{};
        conf.rss_key = key.data();
        conf.rss_key_len = static_cast<std::uint8_t>(key.size());
        ASSERT_EQ(rte_eth_dev_rss_hash_conf_get(port.dpdk_id(), &conf), 0);
        EXPECT_EQ(key[0], 0x6d);
        EXPECT_EQ(key[1], 0x5a);
        EXPECT_EQ(key[38], 0x6d);
        EXPECT_EQ(key[39], 0x5a);
        EXPECT_EQ(conf.rss_hf & (RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_L3_SRC_ONLY), 0U);
        EXPECT_NE(conf.rss_hf & RTE_ETH_RSS_IPV4, 0U);
        EXPECT_NE(conf.rss_hf & RTE_ETH_RSS_IPV6, 0U);
        for (unsigned i = 0; i < info.reta_size; ++i) {
            ASSERT_EQ(entry_of(port, i, info.reta_size), i % 64 % workers);
        }
    }
}

TEST(PortRss, OneWorkerNeedsNone) {
    const Port port(null_port("net_null7"), 0, 1, packet_pool());
    EXPECT_FALSE(port.spread().symmetric);
    EXPECT_EQ(port.spread().text, "one worker");
}

TEST(PortRss, SoftwareWhereTheDriverHashesNothing) {
    PortSettings settings = null_port("wire0");
    const Port port(settings, 0, ring_port(0).dpdk_id, 4, packet_pool());
    EXPECT_FALSE(port.spread().symmetric);
    EXPECT_EQ(port.spread().text, "software, 4 queues: the driver hashes no packets by their addresses alone");
}

// What is written by one worker stands on cache lines of its own, so that no worker waits for another's writes.
static_assert(alignof(Worker) >= 64 && sizeof(Worker) % 64 == 0);
static_assert(alignof(WorkerState) >= 64 && sizeof(WorkerState) % 64 == 0);
static_assert(alignof(CounterBlock) >= 64 && sizeof(CounterBlock) % 64 == 0);
static_assert(alignof(DesktopCell) >= 64 && sizeof(DesktopCell) % 64 == 0);
static_assert(alignof(Mailbox<Order>) >= 64 && sizeof(Mailbox<Order>) % 64 == 0);

class PacketWorkersApart : public GatewayTest {
protected:
    PacketWorkersApart() : GatewayTest(4) {}
};

TEST_F(PacketWorkersApart, CountersAndCellsOfTwoWorkersShareNoLine) {
    const auto line = [](const void* at) { return reinterpret_cast<std::uintptr_t>(at) / 64; };
    for (unsigned a = 0; a < 4; ++a) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&worker(a)) % 64, 0U);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&worker(a).counters()) % 64, 0U);
        for (unsigned b = 0; b < a; ++b) {
            EXPECT_NE(line(&worker(a).counters().values.front()), line(&worker(b).counters().drops.back()));
            EXPECT_NE(line(&worker(a).desktop(0)), line(&worker(b).desktop(settings.max_desktops - 1)));
            EXPECT_NE(line(&worker(b).desktop(0)), line(&worker(a).desktop(settings.max_desktops - 1)));
        }
    }
}

} // namespace
} // namespace foregate::packet_test
