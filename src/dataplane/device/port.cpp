// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/device/port.h"

#include <algorithm>
#include <cstring>
#include <rte_bus_vdev.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <stdexcept>

namespace foregate::dataplane {

namespace {

[[noreturn]] void fail(const PortSettings& settings, const std::string& what, int error) {
    throw std::runtime_error("port " + settings.name + " (" + settings.device + "): " + what + ": " +
                             std::strerror(std::abs(error)));
}

bool is_vdev(const std::string& device) {
    return device.rfind("net_", 0) == 0 || device.rfind("eth_", 0) == 0 || device.rfind("virtio_user", 0) == 0;
}

/// The largest IP packet that the driver says to take, by the same reckoning as rte_eth_dev_configure().
unsigned most_mtu(const rte_eth_dev_info& info) {
    constexpr unsigned kEthernet = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
    const bool by_frame = info.max_mtu == UINT16_MAX || info.max_rx_pktlen <= info.max_mtu;
    return by_frame && info.max_rx_pktlen > kEthernet
               ? std::min<unsigned>(info.max_rx_pktlen - kEthernet, UINT16_MAX)
               : info.max_mtu;
}

/// Checksums that a card verifies for us. Not where it can only do the transport's: such ports (virtio) may hand over
/// packets between virtual machines whose checksum was never filled in.
std::uint64_t checksum_offloads(const rte_eth_dev_info& info) {
    const std::uint64_t all = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
    const bool both = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) != 0;
    return both ? info.rx_offload_capa & all : 0;
}

} // namespace

Port::Port(const PortSettings& settings, std::uint16_t index, unsigned queues, rte_mempool* pool)
    : settings_(settings), index_(index) {
    std::string name = settings.device;
    if (is_vdev(settings.device)) {
        const auto comma = settings.device.find(',');
        name = vdev_name_ = settings.device.substr(0, comma);
        const std::string args = comma == std::string::npos ? "" : settings.device.substr(comma + 1);
        if (const int error = rte_vdev_init(name.c_str(), args.c_str()); error != 0) {
            fail(settings_, "the device cannot be created", error);
        }
        created_ = true;
    }
    card_ = !created_;
    if (const int error = rte_eth_dev_get_port_by_name(name.c_str(), &dpdk_id_); error != 0) {
        fail(settings_, "no such device (is it bound to a DPDK driver?)", error);
    }
    configure(queues, pool);
}

Port::Port(const PortSettings& settings, std::uint16_t index, std::uint16_t dpdk_id, unsigned queues,
           rte_mempool* pool)
    : settings_(settings), index_(index), dpdk_id_(dpdk_id) {
    configure(queues, pool);
}

Port::Port(const PortSettings& settings, std::uint16_t index, const MacAddress& mac)
    : settings_(settings), index_(index), device_(false), mac_(mac) {}

void Port::configure(unsigned queues, rte_mempool* pool) {
    rte_eth_dev_info info{};
    if (const int error = rte_eth_dev_info_get(dpdk_id_, &info); error != 0) {
        fail(settings_, "no information from the driver", error);
    }
    const bool jumbo = settings_.mtu > RTE_ETHER_MTU;
    if (jumbo && settings_.mtu > most_mtu(info)) {
        fail(settings_, "mtu " + std::to_string(settings_.mtu) + " is above " + std::to_string(most_mtu(info)) +
                            ", the most that this driver takes", EINVAL);
    }
    driver_ = info.driver_name != nullptr ? info.driver_name : "";
    rx_queues_ = std::clamp<unsigned>(queues, 1, std::max<unsigned>(info.max_rx_queues, 1));
    rte_eth_conf conf{};
    conf.rxmode.mtu = jumbo ? settings_.mtu : 0; // 0: as the driver has it
    if (!created_) { // drivers of virtual ports would add them up in software
        conf.rxmode.offloads |= checksum_offloads(info);
    }
    RssSetup rss(info, rx_queues_, queues);
    rss.ask(conf);
    int error = rte_eth_dev_configure(dpdk_id_, static_cast<std::uint16_t>(rx_queues_), 1, &conf);
    if (error != 0 && conf.rx_adv_conf.rss_conf.rss_key != nullptr) {
        rss.ask_less(conf);
        error = rte_eth_dev_configure(dpdk_id_, static_cast<std::uint16_t>(rx_queues_), 1, &conf);
    }
    if (error != 0) {
        fail(settings_, "the driver refuses the configuration", error);
    }
    if (jumbo) {
        error = rte_eth_dev_set_mtu(dpdk_id_, settings_.mtu);
        if (error != 0 && error != -ENOTSUP) {
            fail(settings_, "mtu " + std::to_string(settings_.mtu) + " is refused by the driver", error);
        }
    }
    std::uint16_t rx = settings_.descriptors;
    std::uint16_t tx = settings_.descriptors;
    (void)rte_eth_dev_adjust_nb_rx_tx_desc(dpdk_id_, &rx, &tx);
    const int socket = rte_eth_dev_socket_id(dpdk_id_);
    for (unsigned q = 0; q < rx_queues_; ++q) {
        error = rte_eth_rx_queue_setup(dpdk_id_, static_cast<std::uint16_t>(q), rx, static_cast<unsigned>(socket),
                                       nullptr, pool);
        if (error != 0) {
            fail(settings_, "no receive queue", error);
        }
    }
    error = rte_eth_tx_queue_setup(dpdk_id_, 0, tx, static_cast<unsigned>(socket), nullptr);
    if (error != 0) {
        fail(settings_, "no transmit queue", error);
    }
    error = rte_eth_dev_start(dpdk_id_);
    if (error != 0) {
        fail(settings_, "does not start", error);
    }
    spread_ = rss.confirm(dpdk_id_);
    (void)rte_eth_promiscuous_enable(dpdk_id_); // some virtual ports cannot, and see everything anyway
    rte_ether_addr mac{};
    if (rte_eth_macaddr_get(dpdk_id_, &mac) == 0) {
        std::copy(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), mac_.begin());
    }
}

Port::~Port() {
    if (!device_) {
        return;
    }
    rte_eth_dev_stop(dpdk_id_);
    if (created_) {
        rte_vdev_uninit(vdev_name_.c_str());
    } else if (card_) {
        rte_eth_dev_close(dpdk_id_); // else DPDK's own end does it, when the packets in its queues have lost their pool
    }
}

unsigned Port::receive(unsigned queue, rte_mbuf** burst, unsigned max) noexcept {
    return rte_eth_rx_burst(dpdk_id_, static_cast<std::uint16_t>(queue), burst, static_cast<std::uint16_t>(max));
}

unsigned Port::transmit(rte_mbuf** burst, unsigned count) noexcept {
    return rte_eth_tx_burst(dpdk_id_, 0, burst, static_cast<std::uint16_t>(count));
}

PortStats Port::stats() const noexcept {
    PortStats out;
    rte_eth_stats raw{};
    if (rte_eth_stats_get(dpdk_id_, &raw) == 0) {
        out = {raw.ipackets, raw.ibytes, raw.imissed, raw.ierrors, raw.rx_nombuf, raw.opackets, raw.obytes,
               raw.oerrors, false, 0};
    }
    rte_eth_link link{};
    if (rte_eth_link_get_nowait(dpdk_id_, &link) == 0) {
        out.link_up = link.link_status == RTE_ETH_LINK_UP;
        out.link_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
    }
    return out;
}

} // namespace foregate::dataplane
