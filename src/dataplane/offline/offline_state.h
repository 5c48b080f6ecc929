// SPDX-License-Identifier: BSD-3-Clause
// What is behind OfflineGateway and OfflineFlows; theirs alone.
#pragma once

#include "dataplane/device/eal.h"
#include "dataplane/device/packet_pool.h"
#include "dataplane/device/port.h"
#include "dataplane/offline/offline_gateway.h"
#include "dataplane/worker/worker.h"

#include <map>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace foregate::dataplane {

struct OfflineGateway::State {
    State(Catalogue compiled, std::optional<ThreatDb> threats, Environment environment);

    const Settings settings;
    std::optional<Eal> eal;
    PacketPool pool;
    std::vector<std::unique_ptr<Port>> ports; ///< [0] desktops, [1] upstream
    std::vector<PacketRing> transmit, kernel;
    std::vector<PortLane> lanes;
    std::shared_ptr<const CatalogueTables> catalogue;
    GenerationSlot generations{1};
};

struct OfflineFlows::State final : Examiner {
    State(OfflineGateway::State& of_gateway, std::uint64_t most_flows);
    ~State();

    void play(std::span<const std::uint8_t> frame);
    void examined(const ExaminedPacket& packet) override;
    void ended(std::uint32_t place, const FlowView& view) noexcept override;
    [[nodiscard]] OfflineFlow& nameless(const IpAddress& client, const IpAddress& server, std::uint32_t kind);
    void give_up_held();

    OfflineGateway::State& gateway;
    const Settings settings;
    Worker worker;
    std::uint64_t now_ns = 1'000'000'000;
    std::size_t frame_bytes = 0; ///< of the frame that is on its way
    std::deque<OfflineFlow> flows;
    std::uint64_t unreadable = 0;

private:
    /// A fragment that waits in the worker's table.
    struct Held {
        IpAddress src{}, dst{};
        std::uint8_t protocol = 0;
        std::uint16_t bytes = 0;
    };
    [[nodiscard]] std::uint16_t port_of(std::span<const std::uint8_t> frame) const noexcept;
    [[nodiscard]] OfflineFlow& record_of(const ExaminedPacket& packet);
    void note_names(OfflineFlow& flow, const ClassifyResult& told);
    void note_reports(OfflineFlow& flow);
    void hold(const ExaminedPacket& packet);
    void give_up(const Held& held);
    [[nodiscard]] bool take_departures() noexcept;

    using Key = std::tuple<IpAddress, IpAddress, std::uint32_t>;
    std::unordered_map<std::uint32_t, OfflineFlow*> by_place_; ///< of the worker's flow table
    std::map<Key, OfflineFlow*> nameless_; ///< what is no flow of the worker's
    std::unordered_map<const void*, Held> held_; ///< by buffer
};

} // namespace foregate::dataplane
