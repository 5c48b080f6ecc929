// SPDX-License-Identifier: BSD-3-Clause
// A gateway of real stages on ring ports, driven turn by turn: frames in, frames out, a clock that
// tests move. No polling thread, no kernel interface: what would go to the kernel is read from its
// ring.
#pragma once

#include "dataplane/device/packet_pool.h"
#include "dataplane/device/port.h"
#include "dataplane/generation.h"
#include "dataplane/settings.h"
#include "dataplane/worker/rehearsal.h"
#include "dataplane/worker/transmit_stage.h"
#include "dataplane/worker/worker.h"
#include "packet/frame.h"
#include "packet/packet_builder.h"
#include "packet/payloads.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace foregate::packet_test {

inline constexpr std::uint64_t kMs = 1'000'000;
inline constexpr std::uint64_t kSecond = 1'000'000'000;

/// In the order of the ports.
enum class Side : std::uint8_t { desktop, upstream, primary_desktop, primary_client };
inline constexpr unsigned kSides = 4;

// The network that every test stands in. Class 1: 10.10.1.0/24 with desktops 1 and 2, and
// fd00:10::/64 with desktop 1. Class 2: 10.10.2.0/24 with desktop 3. Upstream 10.20.0.0/24 and
// fd00:20::/64; the rest by a router there.
inline const std::string kDesktop = "10.10.1.1";
inline const std::string kTwinDesktop = "10.10.1.2";
inline const std::string kOtherDesktop = "10.10.2.1";
inline const std::string kUnnumbered = "10.10.1.77"; ///< of class 1, without a number
inline const std::string kServer = "10.20.0.80";
inline const std::string kFarServer = "203.0.113.9";   ///< behind the router
inline const std::string kSilentServer = "10.20.0.99"; ///< a neighbour that nobody has resolved
inline const std::string kResolver = "10.20.0.53";
inline const std::string kDesktop6 = "fd00:10::1";
inline const std::string kServer6 = "fd00:20::80";
inline const std::string kOwnAddress = "10.10.0.1";
inline const std::string kOwnAddress6 = "fd00:10::ffff";

[[nodiscard]] Mac mac_of(const dataplane::IpAddress& address);
inline Mac mac_of(const std::string& text) {
    return mac_of(address(text));
}
inline const std::string kRouter = "10.20.0.254";
inline const std::string kRouter6 = "fd00:20::fe";

/// What tests may change before publish().
struct Tables {
    std::map<std::string, dataplane::DesktopRecord> desktops; ///< by prefix
    bool allow_unknown = false;
    std::vector<std::pair<dataplane::IpPrefix, dataplane::Route>> routes;
    std::vector<dataplane::IpAddress> own;
    std::unordered_map<dataplane::IpAddress, dataplane::MacAddress, dataplane::IpAddressHash>
        neighbours;
    dataplane::PlanTable::Map plan;
    std::uint32_t bucket = 1;
    std::vector<dataplane::ClassPattern> pattern;
    dataplane::PatternTable::Destinations expected;
    std::vector<dataplane::ThreatEntry> threats;
    std::vector<dataplane::AccessList> access; ///< by class
    dataplane::NamesOfAddress names;           ///< from DNS, for the access lists

    Tables();
    /// The record of one desktop or network.
    dataplane::DesktopRecord& desktop(const std::string& prefix) { return desktops.at(prefix); }
};

dataplane::ThreatEntry listed_name(const std::string& name,
                                   dataplane::ThreatAction action = dataplane::ThreatAction::block);
dataplane::ThreatEntry
listed_prefix(const std::string& prefix,
              dataplane::ThreatAction action = dataplane::ThreatAction::block);

/// The fixture. TearDown() fails when a packet buffer was lost.
class GatewayTest : public ::testing::Test {
protected:
    /// `owned_by_interface`: workers own what a network interface with the symmetric key would give
    /// them, not what the seed says.
    explicit GatewayTest(unsigned workers = 1, bool owned_by_interface = false);
    ~GatewayTest() override;
    void SetUp() override;
    void TearDown() override;

    /// Takes effect at the next run().
    void publish();

    // --- frames ---
    /// Puts a frame on the wire of a port (by receive queue) without running.
    void arrive(Side side, const Bytes& frame, unsigned queue = 0);
    /// The same, with the port's own address as the destination and the sender's neighbour as the
    /// source.
    void arrive(Side side, PacketBuilder builder, unsigned queue = 0);
    /// One frame in two buffers, `first` bytes in the first one.
    void arrive_in_parts(Side side, const Bytes& frame, std::size_t first);
    /// One frame with what a card says of it: RTE_MBUF_F_RX_ flags, and the tag it has taken out.
    void arrive_flagged(Side side, const Bytes& frame, std::uint64_t flags, std::uint16_t vlan = 0);
    /// A frame that the kernel sends through the port's twin.
    void from_kernel(Side side, const Bytes& frame);
    /// arrive() and run().
    void send(Side side, PacketBuilder builder);
    void send(Side side, const Bytes& frame);
    /// Turns of every worker and shaper until nothing moves.
    void run();
    /// Moves the clock, in steps, with turns in between.
    void pass(std::uint64_t ns, std::uint64_t step_ns = 100 * kMs);
    /// Turns with nothing to do, a millisecond each: a whole sweep of the flow table.
    void sweep_flows();

    /// The only worker is gone as after kill -9, and another one with another secret takes over `left_behind`; from now on
    /// it keeps `records`.
    void restart(std::span<dataplane::SpliceRecord> records,
                 std::span<const dataplane::SpliceRecord> left_behind);

    /// What has left by a port or went up to its kernel twin since the last call.
    std::vector<Frame> sent(Side side);
    std::vector<Frame> to_kernel(Side side);
    /// The only frame that left by `side`, with its checksums right; fails the test otherwise.
    Frame only(Side side);
    /// True when nothing left by any port nor to the kernel.
    bool nothing_left();

    // --- reports, counters ---
    template <typename T> std::vector<T> reports() {
        collect_reports();
        std::vector<T> out;
        for (const dataplane::Report& r : reports_) {
            if (const T* one = std::get_if<T>(&r)) {
                out.push_back(*one);
            }
        }
        std::erase_if(reports_,
                      [](const dataplane::Report& r) { return std::holds_alternative<T>(r); });
        return out;
    }
    [[nodiscard]] std::uint64_t count(dataplane::Counter counter) const;
    [[nodiscard]] std::uint64_t count(dataplane::DropReason reason) const;
    /// All drops of all reasons.
    [[nodiscard]] std::uint64_t drops() const;
    [[nodiscard]] std::uint32_t flows() const;
    bool order(const dataplane::Order& o, unsigned worker = 0) {
        return workers_[worker]->orders().post(o);
    }
    /// The flows as `show flows` would see them.
    std::vector<dataplane::FlowView> view_flows(std::uint32_t desktop = 0);

    dataplane::Worker& worker(unsigned index = 0) { return *workers_[index]; }
    dataplane::TransmitStage& shaper(Side side) { return *transmit_[static_cast<unsigned>(side)]; }
    [[nodiscard]] Mac port_mac(Side side) const {
        return ports_[static_cast<unsigned>(side)]->mac();
    }
    /// Made-up packets beside the gateway, as `flow explain` plays them.
    dataplane::RehearsalResult rehearse(const dataplane::RehearsalOrder& order) {
        return dataplane::rehearse(order, settings, lanes_, worker_count_, *generations_, now_ns);
    }
    /// The worker that owns the flows of two addresses.
    [[nodiscard]] unsigned owner(const std::string& a, const std::string& b) const;

    dataplane::Settings settings; ///< changed before SetUp() only, by a fixture's constructor
    Tables tables;
    std::uint64_t now_ns = 100 * kSecond;

private:
    void collect_reports();
    static rte_mbuf* buffer_of(const std::uint8_t* bytes, std::size_t size);
    static std::vector<Frame> drain(rte_ring* ring);
    bool turn();

    unsigned worker_count_;
    dataplane::OwnerRule owner_rule_;
    unsigned buffers_before_ = 0;
    std::vector<dataplane::PortLane> lanes_;
    std::vector<std::unique_ptr<dataplane::Port>> ports_;
    std::vector<std::unique_ptr<dataplane::TransmitStage>>
        transmit_; ///< by side; null for the pair
    std::vector<dataplane::PacketRing> kernel_rings_;
    std::vector<dataplane::PacketRing> redirect_rings_;
    std::unique_ptr<dataplane::GenerationSlot> generations_;
    std::vector<std::unique_ptr<dataplane::Worker>> workers_;
    std::vector<dataplane::Report> reports_;
    std::uint32_t generation_ = 0;
};

} // namespace foregate::packet_test
