// SPDX-License-Identifier: BSD-3-Clause
// The flows of a capture, classified packet by packet with the gateway's own parser and flow classifier.
#pragma once

#include "dataplane/classify/catalogue.h"
#include "dataplane/classify/flow_classifier.h"
#include "dataplane/packet/ip_address.h"
#include "dataplane/packet/parse.h"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace foregate::control {

struct OfflineFlow {
    dataplane::IpAddress client{}, server{};
    std::uint16_t client_port = 0, server_port = 0;
    std::uint8_t protocol = 0;    ///< of IP
    std::uint16_t ether_type = 0; ///< of what is no IP; 0 for IP
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;      ///< of IP packets, or of frames that are none
    std::uint16_t app = 0;        ///< number in the catalogue
    std::uint16_t application = 0;
    dataplane::AppType type = dataplane::AppType::other;
    bool decided = false;
    bool watch = false;
    bool guessed = false;
    bool beginning_seen = false;
    std::uint32_t handle = 0;
    std::vector<std::string> hosts; ///< distinct names, in the order they were seen
};

/// Not thread-safe. Flows stay in the order of their first packets.
class OfflineFlows {
public:
    OfflineFlows(const dataplane::Catalogue& catalogue, const dataplane::ClassifyLimits& limits);

    /// One Ethernet frame with an IP packet.
    void take_frame(std::span<const std::uint8_t> frame);
    void take_other(std::uint16_t ether_type, std::span<const std::uint8_t> bytes);
    /// A packet that could not be read: all of them together are one flow that nothing is known of.
    void take_unreadable(std::size_t bytes);
    /// Decides what is not decided yet.
    void finish();

    [[nodiscard]] const std::deque<OfflineFlow>& flows() const noexcept { return flows_; }
    [[nodiscard]] std::uint64_t unreadable() const noexcept { return unreadable_; }

private:
    using Key = std::tuple<dataplane::IpAddress, dataplane::IpAddress, std::uint16_t, std::uint16_t, std::uint16_t>;
    using FragmentKey = std::tuple<dataplane::IpAddress, dataplane::IpAddress, std::uint32_t, std::uint8_t>;

    OfflineFlow& flow_of(const dataplane::ParsedPacket& packet, bool& from_client);
    void classify(OfflineFlow& flow, const dataplane::ParsedPacket& packet, bool from_client,
                  std::span<const std::uint8_t> frame);
    void apply(OfflineFlow& flow, const dataplane::ClassifyResult& result);

    const dataplane::Catalogue& catalogue_;
    dataplane::CatalogueScratch scratch_;
    dataplane::FlowClassifier classifier_;
    dataplane::ClassifyResult result_;
    std::deque<OfflineFlow> flows_;
    std::map<Key, OfflineFlow*> by_key_;
    std::map<FragmentKey, OfflineFlow*> fragments_;
    std::uint64_t unreadable_ = 0;
};

} // namespace foregate::control
