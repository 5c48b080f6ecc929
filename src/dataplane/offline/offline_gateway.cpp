// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/offline/offline_state.h"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdexcept>
#include <unordered_map>

namespace foregate::dataplane {

namespace {

constexpr unsigned kMemoryMb = 96;
constexpr unsigned kBuffers = 1023; ///< fragments that are held, and what one packet brings about
constexpr unsigned kCached = 32;
constexpr std::uint16_t kBufferBytes = 65535; ///< of frame: what a card joins or cuts is in captures in one piece
constexpr unsigned kRingSize = 256;
constexpr MacAddress kRouter{0x02, 0, 0, 0, 0, 0xfe};

Settings offline_settings() {
    Settings settings;
    settings.offline = true;
    settings.memory_mb = kMemoryMb;
    settings.max_desktops = 1;
    settings.held_per_worker = 16;
    settings.usage_cells = 64;
    settings.twin_packets_per_second = 0xffffffff;
    settings.seed = 0x5eed0ff11e000001ULL; // nobody outside chooses addresses to fit it: a capture is finite
    for (const auto& [name, kind] : {std::pair{"desktops", PortKind::desktop}, std::pair{"upstream", PortKind::upstream}}) {
        PortSettings port;
        port.name = name;
        port.kind = kind;
        port.mtu = 65535;
        port.mss_clamp = PortSettings::kMssAny;
        settings.ports.push_back(port);
    }
    return settings;
}

PacketPool make_pool() {
    rte_mempool* pool = rte_pktmbuf_pool_create("offline", kBuffers, kCached, 0, kBufferBytes, static_cast<int>(rte_socket_id()));
    if (pool == nullptr) {
        throw std::runtime_error(std::string("no memory for packet buffers: ") + rte_strerror(rte_errno));
    }
    return PacketPool(pool);
}

/// Everything goes to a router behind the upstream port.
std::shared_ptr<const RouteTable> make_routes() {
    const IpAddress v4 = *IpAddress::parse("192.0.2.1"); // documentation addresses: RFC 5737, RFC 3849
    const IpAddress v6 = *IpAddress::parse("2001:db8::1");
    const std::vector<std::pair<IpPrefix, Route>> routes{{*IpPrefix::parse("192.0.2.0/24"), {1, false, {}}},
                                                         {*IpPrefix::parse("2001:db8::/64"), {1, false, {}}},
                                                         {*IpPrefix::parse("0.0.0.0/0"), {1, true, v4}},
                                                         {*IpPrefix::parse("::/0"), {1, true, v6}}};
    const std::unordered_map<IpAddress, MacAddress, IpAddressHash> neighbours{{v4, kRouter}, {v6, kRouter}};
    return std::make_shared<RouteTable>(routes, std::vector<IpAddress>{}, neighbours);
}

} // namespace

OfflineGateway::State::State(Catalogue compiled, std::optional<ThreatDb> threats, Environment environment)
    : settings(offline_settings()) {
    if (environment == Environment::start) {
        eal.emplace(settings);
    }
    pool = make_pool();
    for (std::uint16_t i = 0; i < settings.ports.size(); ++i) {
        const MacAddress mac{0x02, 0, 0, 0, 0x0f, static_cast<std::uint8_t>(i)};
        ports.push_back(std::make_unique<Port>(settings.ports[i], i, mac));
        transmit.push_back(make_packet_ring("offline-tx-" + std::to_string(i), kRingSize));
        kernel.push_back(make_packet_ring("offline-up-" + std::to_string(i), kRingSize));
        lanes.push_back({ports[i].get(), transmit[i].get(), kernel[i].get()});
    }
    catalogue = std::make_shared<CatalogueTables>(std::move(compiled), 1);
    auto tables = std::make_unique<Generation>();
    tables->number = 1;
    tables->routes = make_routes();
    tables->desktops = std::make_shared<DesktopTable>(std::vector<std::pair<IpPrefix, DesktopRecord>>{}, true);
    tables->catalogue = catalogue;
    if (threats) {
        tables->threats = std::make_shared<ThreatTables>(std::move(*threats), 1);
    }
    generations.publish(std::move(tables));
}

OfflineGateway::OfflineGateway(Catalogue catalogue, std::optional<ThreatDb> threats, Environment environment)
    : state_(std::make_unique<State>(std::move(catalogue), std::move(threats), environment)) {}

OfflineGateway::~OfflineGateway() = default;

const Catalogue& OfflineGateway::catalogue() const noexcept { return state_->catalogue->catalogue; }

} // namespace foregate::dataplane
