// SPDX-License-Identifier: BSD-3-Clause
// The typed configuration: what conf/*.yaml says, after validation. Plain data; written once by the loader.
#pragma once

#include "dataplane/packet/ip_address.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace foregate::control {

using dataplane::IpAddress;
using dataplane::IpPrefix;

/// Where a key stands, for messages: `file:line`.
struct SourceMark {
    std::string file;
    int line = 0;
    bool operator==(const SourceMark&) const = default;
};

enum class HugepageUse : std::uint8_t { automatic, yes, no };
enum class PortRole : std::uint8_t { desktop, upstream, primary_desktop, primary_client };
enum class DeviationAction : std::uint8_t { off, note, block };
enum class ThreatAction : std::uint8_t { note, block };
enum class UnknownDesktop : std::uint8_t { block, allow };
enum class EventPrivacy : std::uint8_t { address, pseudonym };
enum class GuestSystem : std::uint8_t { linux_guest, windows_guest };

struct SystemConfig {
    HugepageUse hugepages = HugepageUse::automatic;
    std::uint64_t memory_bytes = 512ULL << 20; ///< for packet buffers and DPDK itself
    unsigned control_core = 0;
    std::vector<unsigned> worker_cores{1};
    unsigned shaper_core = 1;     ///< may equal a worker's
    bool idle_sleep = false;      ///< polling cores sleep when there is nothing to do
    unsigned packet_buffers = 32768;
    unsigned flows_per_worker = 1U << 18;
    std::filesystem::path run_dir = "/run/foregate";
    std::filesystem::path state_dir = "/var/lib/foregate";
    bool operator==(const SystemConfig&) const = default;
};

struct RouteConfig {
    IpPrefix to{};
    IpAddress via{};
    bool operator==(const RouteConfig&) const = default;
};

/// One port; the twin (addresses, routes) exists on routed ports only.
struct PortConfig {
    std::string name;
    PortRole role = PortRole::desktop;
    std::string device;               ///< PCI address or a DPDK vdev string
    std::uint64_t rate_bps = 0;       ///< what the shaper paces this port to; 0 = not shaped
    std::uint16_t mtu = 1500;
    std::uint16_t mss_clamp = kMssByMtu; ///< of SYNs that pass this port
    bool check_source_mac = true;     ///< desktop ports: no flow begins with a neighbour's address from elsewhere
    std::vector<std::uint16_t> vlan;  ///< tags of all its frames, outer first; empty = untagged
    std::vector<std::array<std::uint8_t, 6>> accept_macs; ///< taken beside the port's own address
    std::uint16_t descriptors = 1024;
    std::string twin;                 ///< kernel interface name; default "fg-" + name, at most 15 characters
    std::vector<IpPrefix> addresses;  ///< interface addresses (host bits kept)
    std::vector<RouteConfig> routes;
    SourceMark mark;
    static constexpr std::uint16_t kMssAny = 0;
    static constexpr std::uint16_t kMssByMtu = 0xffff;
    bool operator==(const PortConfig&) const = default;
};

/// "name:port" or "address:port" or "[v6]:port"; name empty when an address was written.
struct DestinationSpec {
    std::string name;
    std::optional<IpAddress> address;
    std::uint16_t port = 0;
    [[nodiscard]] std::string to_string() const;
    bool operator==(const DestinationSpec&) const = default;
};

struct DeviationConfig {
    DeviationAction action = DeviationAction::note;
    double tolerance = 3.0;      ///< times the forecast's upper quantile per desktop and bucket
    unsigned free_connections = 0; ///< per desktop, application type and bucket, before the forecast is asked
    bool operator==(const DeviationConfig&) const = default;
};

enum class AccessAction : std::uint8_t { allow, deny };
enum class AccessDefault : std::uint8_t { allow, deny, inherit };

/// "deny 10.0.0.0/8:443/tcp": one rule of an access list. Neither name nor prefix: every destination.
struct AccessRuleConfig {
    AccessAction action = AccessAction::deny;
    std::string name;   ///< with everything below it, unless `exact`
    bool exact = false;
    std::optional<IpPrefix> prefix;
    std::uint16_t first_port = 0; ///< 0..65535: any port, and protocols without ports
    std::uint16_t last_port = 0xffff;
    std::uint8_t protocol = 0; ///< 0: any; else 6 (TCP) or 17 (UDP)
    /// In the one way that the console and events write it.
    [[nodiscard]] std::string to_string() const;
    bool operator==(const AccessRuleConfig&) const = default;
};

struct AccessConfig {
    AccessDefault otherwise = AccessDefault::allow; ///< what no rule matches; inherit in classes only
    std::vector<AccessRuleConfig> rules;            ///< the first that matches decides
    bool operator==(const AccessConfig&) const = default;
};

/// What one desktop may take of each worker's flow table; 0 = any number.
struct LimitConfig {
    unsigned new_flows_per_second = 500;
    unsigned burst = 2000;
    unsigned flows = 20000;
    unsigned half_open = 1000;
    bool operator==(const LimitConfig&) const = default;
};

struct ClassConfig {
    std::string name;
    std::vector<IpPrefix> prefixes;       ///< an address in one of these is a desktop of this class, listed or not
    std::uint64_t floor_bps = 0;          ///< guaranteed to each desktop of the class with a session
    std::uint64_t ceiling_bps = 0;        ///< 0 = the port's rate
    unsigned weight = 1;                  ///< share of what is idle
    std::chrono::seconds idle_timeout{1800}; ///< 0 = never
    std::vector<DestinationSpec> monitor; ///< held from login on, for round trip and liveness
    AccessConfig access{AccessDefault::inherit, {}}; ///< after the site's rules
    DeviationConfig deviation;
    GuestSystem guest = GuestSystem::windows_guest; ///< SYN options of held connections until learned
    SourceMark mark;
    bool operator==(const ClassConfig&) const = default;
};

struct DesktopConfig {
    std::string name;
    std::string usage_class;
    std::vector<IpAddress> addresses;
    SourceMark mark;
    bool operator==(const DesktopConfig&) const = default;
};

struct AnalyticsConfig {
    std::optional<std::chrono::local_seconds> clock_start; ///< local time at start; nullopt = the system's clock
    std::string time_zone = "UTC";
    std::chrono::seconds bucket{300};
    unsigned min_group = 5;
    std::filesystem::path holidays; ///< file with one date a line; empty = none
    std::filesystem::path database; ///< default state_dir/usage.db
    bool operator==(const AnalyticsConfig&) const = default;
};

struct ForecastConfig {
    bool enabled = true;
    unsigned horizon = 12;             ///< buckets
    std::chrono::seconds history{42LL * 86400};
    unsigned max_series = 500;         ///< the heaviest are forecast, the rest stays in "other"
    bool operator==(const ForecastConfig&) const = default;
};

struct HoldConfig {
    bool enabled = true;
    std::chrono::seconds lead{300};          ///< open this long before the bucket in which they are expected
    unsigned per_desktop_and_destination = 2;
    unsigned per_destination = 2000;
    unsigned per_desktop = 16;
    unsigned total = 100000;
    unsigned dials_per_second = 500;
    std::vector<std::uint16_t> ports{80, 443, 8080, 8443}; ///< eligible without being listed in allow
    std::vector<DestinationSpec> allow;      ///< eligible whatever their port
    std::vector<DestinationSpec> deny;
    std::chrono::seconds max_age{25};        ///< replaced before this age
    std::vector<std::pair<DestinationSpec, std::chrono::seconds>> max_age_of; ///< per destination
    std::chrono::seconds keepalive{15};
    double min_expected_share = 0.5;         ///< of the class's desktops that must be expected in the bucket
    bool operator==(const HoldConfig&) const = default;
};

struct PlanConfig {
    bool enabled = true;
    std::chrono::seconds interval{10};
    double allotted_share = 0.7;      ///< at most this share of a port's rate is allotted; floors come first
    double allotment_margin = 1.2;    ///< rate = margin x q90 of the forecast
    HoldConfig hold;
    bool operator==(const PlanConfig&) const = default;
};

struct FeedConfig {
    std::string name;
    std::filesystem::path path;
    ThreatAction action = ThreatAction::block;
    std::string category = "malware";
    double max_shrink = 0.5; ///< an update smaller than this share of the last good one is refused
    bool private_addresses = false; ///< entries in private address space are taken, not refused
    bool public_suffixes = false;   ///< public suffixes and names of one label are taken, not refused
    std::chrono::seconds time_to_live{0}; ///< after the file was written; 0: for ever
    std::uint8_t severity = 1;            ///< of its alerts, 1 the highest
    SourceMark mark;
    bool operator==(const FeedConfig&) const = default;
};

struct ThreatConfig {
    std::vector<FeedConfig> feeds;
    std::vector<std::filesystem::path> allow;
    bool watch = true; ///< reload when a feed file changes
    bool operator==(const ThreatConfig&) const = default;
};

/// How flows are told apart.
struct ClassifyConfig {
    std::vector<std::filesystem::path> catalogue; ///< on top of the built-in one, in order
    std::filesystem::path pattern_cache; ///< folder of compiled patterns; default state_dir/patterns
    unsigned undecided_flows = 4096; ///< of each worker: flows whose payload is still looked at
    unsigned payloads = 12;          ///< looked at, of a flow
    bool operator==(const ClassifyConfig&) const = default;
};

struct ConsoleConfig {
    std::string telnet_address = "127.0.0.1"; ///< loopback only
    std::uint16_t telnet_port = 2323;         ///< 0 = off
    std::filesystem::path socket;             ///< default run_dir/console.sock
    std::filesystem::path token_file;         ///< with its first line as token, telnet may change things too
    bool operator==(const ConsoleConfig&) const = default;
};

struct MetricsConfig {
    std::string address = "127.0.0.1";
    std::uint16_t port = 9750; ///< 0 = off
    bool operator==(const MetricsConfig&) const = default;
};

struct EventConfig {
    std::filesystem::path file; ///< default state_dir/events.json; mode 0600
    EventPrivacy privacy = EventPrivacy::address;
    bool operator==(const EventConfig&) const = default;
};

/// Captures that an operator starts on the console.
struct CaptureConfig {
    std::filesystem::path folder;            ///< default state_dir/captures; mode 0700
    std::uint64_t max_bytes = 1'000'000'000; ///< that one capture may take on the disk, all its files together
    std::chrono::seconds keep{7 * 86400};    ///< then a file is removed; 0 = never
    bool operator==(const CaptureConfig&) const = default;
};

struct LogConfig {
    std::string level = "info";
    std::filesystem::path file; ///< empty = stderr
    bool operator==(const LogConfig&) const = default;
};

struct Config {
    SystemConfig system;
    std::vector<PortConfig> ports;
    std::vector<ClassConfig> classes;
    std::vector<DesktopConfig> desktops;
    UnknownDesktop unknown_desktops = UnknownDesktop::block;
    AccessConfig access; ///< of every class, before its own rules
    LimitConfig limits;
    std::vector<IpAddress> resolvers; ///< asked where no desktop's fresh answer is at hand
    AnalyticsConfig analytics;
    ForecastConfig forecast;
    PlanConfig plan;
    ThreatConfig threats;
    ClassifyConfig classify;
    ConsoleConfig console;
    MetricsConfig metrics;
    EventConfig events;
    CaptureConfig captures;
    LogConfig log;
    std::filesystem::path source; ///< the file it came from
    std::vector<std::string> warnings; ///< `file:line: warning: message`; valid, but worth a look
};

} // namespace foregate::control
