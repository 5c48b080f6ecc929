// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/schema.h"

#include "control/config/scalars.h"

namespace foregate::control {

namespace {

using std::chrono::hours;
using Seconds = std::chrono::seconds;

constexpr std::uint64_t kMbit = 1'000'000;
constexpr std::uint64_t kMostRate = 800'000 * kMbit;
constexpr Seconds kDay{86400};

const Rows<SystemConfig>& system_rows() {
    using S = SystemConfig;
    static const Rows<S> rows{
        key("hugepages", &S::hugepages,
            word<HugepageUse>({{"auto", HugepageUse::automatic},
                               {"yes", HugepageUse::yes},
                               {"no", HugepageUse::no}}),
            "auto", "auto: hugepages if enough are reserved, else normal pages"),
        key("memory", &S::memory_bytes, size(64ULL << 20, 1ULL << 40), "512MiB",
            "packet buffers and DPDK itself"),
        key("control-core", &S::control_core, whole(0, 1023), "0", "runs everything but packets"),
        list("worker-cores", &S::worker_cores, whole(0, 1023), 1, "[1]", "one polling worker each"),
        key("shaper-core", &S::shaper_core, whole(0, 1023), "1",
            "owns the queues; may be a worker's core"),
        key("idle-sleep", &S::idle_sleep, flag(), "false",
            "polling cores sleep when there is nothing to do"),
        key("packet-buffers", &S::packet_buffers, whole(2048, 8'388'608), "32768",
            "in the pool of each NUMA node"),
        key("flows-per-worker", &S::flows_per_worker, whole(1024, 67'108'864), "262144",
            "size of a flow table"),
        key("run-dir", &S::run_dir, path(), "/run/foregate", "sockets"),
        key("state-dir", &S::state_dir, path(), "/var/lib/foregate", "usage store and events"),
    };
    return rows;
}

const Rows<RouteConfig>& route_rows() {
    using R = RouteConfig;
    static const Rows<R> rows{
        required(key("to", &R::to, prefix(), "", "0.0.0.0/0 or ::/0 for the default route")),
        required(key("via", &R::via, address(), "", "next hop in a network of this port")),
    };
    return rows;
}

/// One tag as a number, or a list of one or two, outer first; the same twice is fine.
Row<PortConfig> vlan_row() {
    Row<PortConfig> row;
    row.help = {"vlan", "a VLAN 1..4094, or [outer, inner]", "1..4094", "[]",
                "tags that the port's frames carry; []: untagged", false};
    row.read = [tag = whole(1, 4094)](Reading& reading, const YamlNode& node, const std::string& at,
                                      PortConfig& port) {
        if (node.is_list() && node.items.size() > 2) {
            reading.problem(node.line, at,
                            std::to_string(node.items.size()) + " tags, expected at most two: [outer, inner]");
            return;
        }
        port.vlan.clear();
        const auto read_one = [&](const YamlNode& one) {
            if (const auto id = read_scalar(reading, one, at, tag)) {
                port.vlan.push_back(static_cast<std::uint16_t>(*id));
            }
        };
        if (node.is_list()) {
            for (const YamlNode& one : node.items) {
                read_one(one);
            }
        } else {
            read_one(node);
        }
    };
    return row;
}

const Rows<PortConfig>& port_rows() {
    using P = PortConfig;
    static const Rows<P> rows{
        required(key("name", &P::name, label(32), "", "in the console, metrics and events")),
        required(key(
            "role", &P::role,
            word<PortRole>({{"desktop", PortRole::desktop},
                            {"upstream", PortRole::upstream},
                            {"primary-desktop", PortRole::primary_desktop},
                            {"primary-client", PortRole::primary_client}}),
            "", "desktop and upstream route; the primary pair passes frames through unchanged")),
        required(key("device", &P::device, device(), "",
                     "PCI address, or a DPDK vdev with its arguments")),
        key("rate", &P::rate_bps, rate(64'000, kMostRate, "not shaped"), "none",
            "what the shaper sends at most"),
        key("mtu", &P::mtu, whole(1280, 9600), "1500", "largest IP packet, bytes"),
        key("mss-clamp", &P::mss_clamp, mss_clamp(), "on",
            "largest segment that a SYN through this port may offer"),
        key("source-check", &P::check_source_mac,
            word<bool>({{"mac", true}, {"address", false}}), "mac",
            "mac: no flow begins with another desktop's address; address: its class is enough"),
        vlan_row(),
        list("accept-macs", &P::accept_macs, mac_address(), 0, "[]",
             "further addresses whose frames are the port's: of virtual routers"),
        key("descriptors", &P::descriptors, whole(64, 32768), "1024",
            "of each receive and transmit queue"),
        may_be_empty(key("twin", &P::twin, label(15), "",
                         "kernel interface of a routed port; empty: fg-NAME")),
        list("addresses", &P::addresses, interface_address(), 0, "[]",
             "of the twin; empty: set by other means (DHCP, ip)"),
        sections("routes", &P::routes, route_rows(), "static routes through this port"),
    };
    return rows;
}

const Rows<DeviationConfig>& deviation_rows() {
    using D = DeviationConfig;
    static const Rows<D> rows{
        key("action", &D::action,
            word<DeviationAction>({{"off", DeviationAction::off},
                                   {"note", DeviationAction::note},
                                   {"block", DeviationAction::block}}),
            "note", "note: an event only; block: before the first packet goes upstream"),
        key("tolerance", &D::tolerance, factor(1, 1000), "3",
            "times the forecast's upper quantile"),
        key("free-connections", &D::free_connections, whole(0, 100'000), "0",
            "per desktop, application type and bucket, before the forecast is asked"),
    };
    return rows;
}

const char* const kRulesHelp = "\"allow DESTINATION\" or \"deny DESTINATION\"; the first that matches decides";

const Rows<AccessConfig>& site_access_rows() {
    using A = AccessConfig;
    static const Rows<A> rows{
        key("default", &A::otherwise,
            word<AccessDefault>({{"allow", AccessDefault::allow}, {"deny", AccessDefault::deny}}),
            "allow", "what no rule matches"),
        list("rules", &A::rules, access_rule(), 0, "[]", kRulesHelp),
    };
    return rows;
}

const Rows<AccessConfig>& class_access_rows() {
    using A = AccessConfig;
    static const Rows<A> rows{
        key("default", &A::otherwise,
            word<AccessDefault>({{"inherit", AccessDefault::inherit},
                                 {"allow", AccessDefault::allow},
                                 {"deny", AccessDefault::deny}}),
            "inherit", "what no rule matches; inherit: as for the whole site"),
        list("rules", &A::rules, access_rule(), 0, "[]", kRulesHelp),
    };
    return rows;
}

const Rows<LimitConfig>& limit_rows() {
    using L = LimitConfig;
    static const Rows<L> rows{
        key("new-flows-per-second", &L::new_flows_per_second, whole(0, 10'000'000), "500", "0: any number"),
        key("burst", &L::burst, whole(1, 10'000'000), "2000", "new flows at once, after a pause"),
        key("flows", &L::flows, whole(0, 67'108'864), "20000", "at once; 0: any number"),
        key("half-open", &L::half_open, whole(0, 67'108'864), "1000",
            "TCP connections without an answer at once, the oldest gives way; 0: any number"),
    };
    return rows;
}

/// `deviation: block` is short for a map with that action.
Row<ClassConfig> deviation_row() {
    auto row = section(
        "deviation", &ClassConfig::deviation, deviation_rows(),
        "connections outside the class's forecast; `deviation: block` is short for its action");
    row.read = [whole_map = row.read](Reading& reading, const YamlNode& node, const std::string& at,
                                      ClassConfig& c) {
        if (node.is_scalar()) {
            deviation_rows().front().read(reading, node, at, c.deviation);
        } else {
            whole_map(reading, node, at, c);
        }
    };
    return row;
}

const Rows<ClassConfig>& class_rows() {
    using C = ClassConfig;
    static const Rows<C> rows{
        required(key("name", &C::name, label(32), "", "a broad group of desktops, never a person")),
        list("prefixes", &C::prefixes, prefix(), 0, "[]",
             "an address in one is a desktop of this class"),
        key("floor", &C::floor_bps, rate(1'000, kMostRate, "no guarantee"), "none",
            "guaranteed to each desktop"),
        key("ceiling", &C::ceiling_bps, rate(1'000, kMostRate, "the port's rate"), "none",
            "of each desktop"),
        key("weight", &C::weight, whole(1, 1000), "1", "share of what is idle"),
        key("idle-timeout", &C::idle_timeout, seconds(Seconds(1), 7 * kDay, true), "30min",
            "then the secondary is cut"),
        list("monitor", &C::monitor, destination(), 0, "[]",
             "held from login on: round trip and liveness"),
        section("access", &C::access, class_access_rows(), "destinations of the class, after the site's"),
        deviation_row(),
        key("guest", &C::guest,
            word<GuestSystem>(
                {{"linux", GuestSystem::linux_guest}, {"windows", GuestSystem::windows_guest}}),
            "windows", "whose TCP options held connections offer until learned"),
    };
    return rows;
}

const Rows<DesktopConfig>& desktop_rows() {
    using D = DesktopConfig;
    static const Rows<D> rows{
        required(key("name", &D::name, label(64), "", "in the console and in security events")),
        required(key("class", &D::usage_class, label(32), "", "the name of a class")),
        required(list("addresses", &D::addresses, address(), 1, "", "of its secondary interface")),
    };
    return rows;
}

const Rows<AnalyticsConfig>& analytics_rows() {
    using A = AnalyticsConfig;
    static const Rows<A> rows{
        may_be_empty(key("clock-start", &A::clock_start, local_time(), "",
                         "local time at start; empty: the system's")),
        key("time-zone", &A::time_zone, time_zone(), "UTC", "of working days and hours"),
        key("bucket", &A::bucket, bucket_length(), "5min", "length of a usage record"),
        key("min-group", &A::min_group, whole(2, 1000), "5",
            "desktops behind a row, or it is folded into its parent"),
        may_be_empty(
            key("holidays", &A::holidays, existing_file(), "", "one date a line; empty: none")),
        may_be_empty(key("database", &A::database, path(), "", "empty: usage.db in state-dir")),
    };
    return rows;
}

const Rows<ForecastConfig>& forecast_rows() {
    using F = ForecastConfig;
    static const Rows<F> rows{
        key("enabled", &F::enabled, flag(), "true", "without it: floors and fairness only"),
        key("horizon", &F::horizon, whole(1, 2016), "12", "buckets ahead"),
        key("history", &F::history, seconds(kDay, 731 * kDay), "42d",
            "read back from the usage store"),
        key("max-series", &F::max_series, whole(1, 100'000), "500",
            "the heaviest; the rest stays in other"),
    };
    return rows;
}

/// `max-age-of` maps destinations to durations.
Row<HoldConfig> max_age_of_row() {
    Row<HoldConfig> row;
    row.help = {"max-age-of", "a map of: destination: duration", "1s..1d",
                "{}",         "as max-age, for one destination", false};
    row.read = [](Reading& reading, const YamlNode& node, const std::string& at, HoldConfig& hold) {
        if (!node.is_map()) {
            reading.problem(node.line, at,
                            kind_of(node) + ", expected lines such as `db.example:5432: 50s`");
            return;
        }
        for (const auto& entry : node.entries) {
            auto where = destination().parse(entry.key, reading);
            if (!where.value) {
                reading.problem(entry.line, at, where.problem);
                continue;
            }
            if (entry.value.is_empty()) {
                reading.problem(entry.line, at, "no value, expected a duration such as 30s");
                continue;
            }
            if (const auto age = read_scalar(reading, entry.value, at, seconds(Seconds(1), kDay))) {
                reading.set_line(at + "[" + std::to_string(hold.max_age_of.size()) + "]",
                                 entry.line);
                hold.max_age_of.emplace_back(*where.value, *age);
            }
        }
    };
    return row;
}

const Rows<HoldConfig>& hold_rows() {
    using H = HoldConfig;
    static const Rows<H> rows{
        key("enabled", &H::enabled, flag(), "true", "open connections ahead"),
        key("lead", &H::lead, seconds(Seconds(1), hours(2)), "5min",
            "before the bucket they are expected in"),
        key("per-desktop-and-destination", &H::per_desktop_and_destination, whole(1, 64), "2",
            "at most"),
        key("per-destination", &H::per_destination, whole(1, 1'000'000), "2000", "at most"),
        key("per-desktop", &H::per_desktop, whole(1, 1000), "16", "at most"),
        key("total", &H::total, whole(1, 10'000'000), "100000", "at most"),
        key("dials-per-second", &H::dials_per_second, whole(1, 1'000'000), "500", "at most"),
        list("ports", &H::ports, whole(1, 65535), 0, "[80, 443, 8080, 8443]",
             "eligible without being in allow"),
        list("allow", &H::allow, destination(), 0, "[]", "eligible whatever their port"),
        list("deny", &H::deny, destination(), 0, "[]", "never opened ahead"),
        key("max-age", &H::max_age, seconds(Seconds(1), kDay), "25s", "replaced before this age"),
        max_age_of_row(),
        key("keepalive", &H::keepalive, seconds(Seconds(1), hours(1)), "15s",
            "between probes of a held connection"),
        key("min-expected-share", &H::min_expected_share, share(), "50%",
            "of the class's desktops, expected in the bucket"),
    };
    return rows;
}

const Rows<PlanConfig>& plan_rows() {
    using P = PlanConfig;
    static const Rows<P> rows{
        key("enabled", &P::enabled, flag(), "true",
            "without it: floors only, nothing opened ahead"),
        key("interval", &P::interval, seconds(Seconds(1), hours(1)), "10s", "between plans"),
        key("allotted-share", &P::allotted_share, share(), "70%",
            "of a port's rate at most; floors come first"),
        key("allotment-margin", &P::allotment_margin, factor(1, 10), "1.2",
            "rate = margin x q90 of the forecast"),
        section("hold", &P::hold, hold_rows(), "connections opened ahead"),
    };
    return rows;
}

const Rows<FeedConfig>& feed_rows() {
    using F = FeedConfig;
    static const Rows<F> rows{
        required(key("name", &F::name, label(32), "", "in events and metrics")),
        required(key("path", &F::path, existing_file(true), "",
                     "file or folder in any format of docs/threats.md")),
        key("action", &F::action,
            word<ThreatAction>({{"note", ThreatAction::note}, {"block", ThreatAction::block}}),
            "block", "note: an event only"),
        key("category", &F::category, label(64), "malware", "in events"),
        key("max-shrink", &F::max_shrink, share(), "50%",
            "an update smaller than this share of the last is refused"),
        key("private", &F::private_addresses, flag(), "false",
            "take entries in private address space"),
        key("public-suffixes", &F::public_suffixes, flag(), "false",
            "take names of one label and such as co.uk"),
        key("time-to-live", &F::time_to_live, seconds(hours(1), hours(24 * 366), true), "never",
            "a feed that was not written for longer ends"),
        key("severity", &F::severity, whole(1, 4), "1", "of its alerts; 1 is the highest"),
    };
    return rows;
}

const Rows<ThreatConfig>& threat_rows() {
    using T = ThreatConfig;
    static const Rows<T> rows{
        sections("feeds", &T::feeds, feed_rows(), "threat lists"),
        list("allow", &T::allow, existing_file(), 0, "[]",
             "files of names and prefixes that no feed may stop"),
        key("watch", &T::watch, flag(), "true", "reload when a feed's file changes"),
    };
    return rows;
}

const Rows<ClassifyConfig>& classify_rows() {
    using C = ClassifyConfig;
    static const Rows<C> rows{
        list("catalogue", &C::catalogue, existing_file(), 0, "[]",
             "catalogue files on top of the built-in one; later ones win"),
        may_be_empty(key("pattern-cache", &C::pattern_cache, path(), "",
                         "folder of compiled patterns; empty: patterns in state-dir")),
        key("undecided-flows", &C::undecided_flows, whole(64, 1'048'576), "4096",
            "of each worker: flows whose payload is still looked at"),
        key("payloads", &C::payloads, whole(2, 64), "12",
            "payload packets of a flow that are looked at"),
    };
    return rows;
}

const Rows<ConsoleConfig>& console_rows() {
    using C = ConsoleConfig;
    static const Rows<C> rows{
        key("telnet-address", &C::telnet_address, ip_text(true), "127.0.0.1", "loopback only"),
        key("telnet-port", &C::telnet_port, whole(0, 65535), "2323", "0: off"),
        may_be_empty(key("socket", &C::socket, path(), "", "empty: console.sock in run-dir")),
        may_be_empty(key("token-file", &C::token_file, existing_file(), "",
                         "with its first line as token, telnet may change things too")),
    };
    return rows;
}

const Rows<MetricsConfig>& metrics_rows() {
    using M = MetricsConfig;
    static const Rows<M> rows{
        key("address", &M::address, ip_text(false), "127.0.0.1", "where Prometheus asks"),
        key("port", &M::port, whole(0, 65535), "9750", "0: off"),
    };
    return rows;
}

const Rows<EventConfig>& event_rows() {
    using E = EventConfig;
    static const Rows<E> rows{
        may_be_empty(
            key("file", &E::file, path(), "", "empty: events.json in state-dir; mode 0600")),
        key("privacy", &E::privacy,
            word<EventPrivacy>(
                {{"address", EventPrivacy::address}, {"pseudonym", EventPrivacy::pseudonym}}),
            "address", "how events name a desktop"),
    };
    return rows;
}

const Rows<CaptureConfig>& capture_rows() {
    using C = CaptureConfig;
    static const Rows<C> rows{
        may_be_empty(
            key("folder", &C::folder, path(), "", "empty: captures in state-dir; mode 0700")),
        key("max-size", &C::max_bytes, size(1'000'000, 1ULL << 44), "1GB",
            "on the disk, of one capture"),
        key("keep", &C::keep, seconds(Seconds(60), 365 * kDay, true), "7d",
            "then a capture's file is removed"),
    };
    return rows;
}

const Rows<LogConfig>& log_rows() {
    using L = LogConfig;
    static const Rows<L> rows{
        key("level", &L::level,
            word<std::string>({{"trace", "trace"},
                               {"debug", "debug"},
                               {"info", "info"},
                               {"warn", "warn"},
                               {"error", "error"}}),
            "info", "the least that is logged"),
        may_be_empty(key("file", &L::file, path(), "", "empty: standard error")),
    };
    return rows;
}

} // namespace

const Rows<Config>& config_rows() {
    using C = Config;
    static const Rows<C> rows{
        section("system", &C::system, system_rows(), "cores, memory, folders"),
        required(sections("ports", &C::ports, port_rows(), "the ports of the gateway")),
        sections("classes", &C::classes, class_rows(), "usage classes"),
        sections("desktops", &C::desktops, desktop_rows(), "desktops known by name"),
        key("unknown-desktops", &C::unknown_desktops,
            word<UnknownDesktop>(
                {{"block", UnknownDesktop::block}, {"allow", UnknownDesktop::allow}}),
            "block", "addresses of no class"),
        section("access", &C::access, site_access_rows(), "destinations, for every class"),
        section("limits", &C::limits, limit_rows(), "of one desktop, in each worker"),
        list("resolvers", &C::resolvers, address(), 0, "[]",
             "asked where no desktop's fresh answer is at hand"),
        section("analytics", &C::analytics, analytics_rows(), "usage records"),
        section("forecast", &C::forecast, forecast_rows(), "the forecaster"),
        section("plan", &C::plan, plan_rows(), "allotments and connection targets"),
        section("threats", &C::threats, threat_rows(), "listed destinations"),
        section("classify", &C::classify, classify_rows(), "what flows are called"),
        section("console", &C::console, console_rows(), "the operators' console"),
        section("metrics", &C::metrics, metrics_rows(), "for Prometheus"),
        section("events", &C::events, event_rows(), "EVE-compatible JSON lines"),
        section("captures", &C::captures, capture_rows(), "what operators record"),
        section("log", &C::log, log_rows(), "the program's own log"),
    };
    return rows;
}

std::vector<KeyHelp> schema_keys() {
    return keys_of(config_rows());
}

} // namespace foregate::control
