// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/device/rss.h"

#include "dataplane/device/owner_rule.h"

#include <algorithm>
#include <cstring>
#include <rte_ethdev.h>
#include <span>
#include <vector>

namespace foregate::dataplane {

namespace {

/// Addresses alone: no ports, so that fragments, ICMP and held connections go with their flow; and no flags for one
/// address only. Not IPV6_EX, which looks into extension headers for other addresses.
constexpr std::uint64_t kAddressKinds = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER |
                                        RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER;
constexpr std::uint64_t kNeeded = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6;
/// Two IPv6 addresses and the four bytes that the hash looks ahead.
constexpr std::size_t kShortestKey = 36;
constexpr std::uint16_t kMostEntries = 2048;

} // namespace

RssSetup::RssSetup(const rte_eth_dev_info& info, unsigned queues, unsigned workers)
    : queues_(queues), workers_(workers), hashed_(kAddressKinds & info.flow_type_rss_offloads),
      table_size_(info.reta_size), key_length_(info.hash_key_size == 0 ? 40 : info.hash_key_size) {
    SymmetricToeplitz::fill_key(key_);
    if (queues_ < 2) {
        obstacle_ = "the port has one queue";
    } else if ((hashed_ & kNeeded) != kNeeded) {
        obstacle_ = "the driver hashes no packets by their addresses alone";
    } else if (key_length_ < kShortestKey || key_length_ > kLongestKey) {
        obstacle_ = "the driver's hash key has " + std::to_string(key_length_) + " bytes";
    } else if (table_size_ < OwnerRule::kBuckets || table_size_ % OwnerRule::kBuckets != 0 ||
               table_size_ > kMostEntries) {
        obstacle_ = "the driver's redirection table has " + std::to_string(table_size_) + " entries";
    }
}

void RssSetup::ask(rte_eth_conf& conf) noexcept {
    if (queues_ < 2) {
        return;
    }
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = hashed_;
    if (obstacle_.empty()) {
        conf.rx_adv_conf.rss_conf.rss_key = key_.data();
        conf.rx_adv_conf.rss_conf.rss_key_len = static_cast<std::uint8_t>(key_length_);
    }
}

void RssSetup::ask_less(rte_eth_conf& conf) noexcept {
    if (obstacle_.empty()) {
        obstacle_ = "the driver refuses the hash key";
    }
    conf.rx_adv_conf.rss_conf.rss_key = nullptr;
    conf.rx_adv_conf.rss_conf.rss_key_len = 0;
}

PortSpread RssSetup::confirm(std::uint16_t port) const {
    if (workers_ < 2) {
        return {false, "one worker"};
    }
    std::string why = obstacle_;
    if (why.empty() && !key_not_in_force(port).empty()) { // some drivers take no key at configuration, but later
        auto key = key_;
        rte_eth_rss_conf again{};
        again.rss_key = key.data();
        again.rss_key_len = static_cast<std::uint8_t>(key_length_);
        again.rss_hf = hashed_;
        (void)rte_eth_dev_rss_hash_update(port, &again);
        why = key_not_in_force(port);
    }
    if (why.empty()) {
        why = table_not_in_force(port);
    }
    const std::string queues = std::to_string(queues_) + (queues_ == 1 ? " queue" : " queues");
    return why.empty() ? PortSpread{true, "symmetric RSS on addresses, " + queues}
                       : PortSpread{false, "software, " + queues + ": " + why};
}

std::string RssSetup::key_not_in_force(std::uint16_t port) const {
    std::array<std::uint8_t, kLongestKey> key{};
    rte_eth_rss_conf found{};
    found.rss_key = key.data();
    found.rss_key_len = static_cast<std::uint8_t>(key_length_);
    if (rte_eth_dev_rss_hash_conf_get(port, &found) != 0) {
        return "the driver does not show its hash key";
    }
    if ((found.rss_hf & kNeeded) != kNeeded) {
        return "the driver has not switched hashing by addresses on";
    }
    if ((found.rss_hf & ~kAddressKinds) != 0) {
        return "the driver hashes more than addresses";
    }
    return std::equal(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(key_length_), key_.begin())
               ? ""
               : "the driver uses another hash key";
}

/// Entry i belongs to the worker of bucket i; a worker without a queue here gets its packets from the others by ring.
std::string RssSetup::table_not_in_force(std::uint16_t port) const {
    const std::size_t groups = table_size_ / RTE_ETH_RETA_GROUP_SIZE;
    std::vector<rte_eth_rss_reta_entry64> table(groups);
    for (unsigned i = 0; i < table_size_; ++i) {
        rte_eth_rss_reta_entry64& group = table[i / RTE_ETH_RETA_GROUP_SIZE];
        group.mask = ~std::uint64_t{0};
        group.reta[i % RTE_ETH_RETA_GROUP_SIZE] =
            static_cast<std::uint16_t>(OwnerRule::owner_of_bucket(i, workers_) % queues_);
    }
    if (rte_eth_dev_rss_reta_update(port, table.data(), table_size_) != 0) {
        return "the driver takes no redirection table";
    }
    std::vector<rte_eth_rss_reta_entry64> found(groups);
    for (rte_eth_rss_reta_entry64& group : found) {
        group.mask = ~std::uint64_t{0};
    }
    if (rte_eth_dev_rss_reta_query(port, found.data(), table_size_) != 0) {
        return "the driver does not show its redirection table";
    }
    for (std::size_t g = 0; g < groups; ++g) {
        if (!std::equal(std::begin(table[g].reta), std::end(table[g].reta), std::begin(found[g].reta))) {
            return "the driver uses another redirection table";
        }
    }
    return "";
}

} // namespace foregate::dataplane
