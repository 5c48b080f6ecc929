// SPDX-License-Identifier: BSD-3-Clause
#include "control/gateway.h"

#include "control/commands/commands.h"
#include "control/settings_from_config.h"
#include "control/telemetry/gateway_metrics.h"
#include "control/telemetry/log.h"
#include "control/usage/destination_text.h"
#include "control/usage/usage_csv.h"

#include <algorithm>
#include <csignal>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <span>
#include <thread>
#include <unistd.h>

namespace foregate::control {

namespace {

constexpr std::chrono::milliseconds kTurn{10};
constexpr std::chrono::milliseconds kSlowTurn{100};

EventLog open_events(const Config& config) {
    start_log(config.log.level, config.log.file);
    std::filesystem::create_directories(config.system.state_dir);
    std::optional<Pseudonyms> pseudonyms;
    if (config.events.privacy == EventPrivacy::pseudonym) {
        pseudonyms.emplace(load_or_create_key(config.system.state_dir / "pseudonym.key"));
    }
    return EventLog(config.events.file, std::move(pseudonyms));
}

/// AF_PACKET ports share their interface with the kernel's own stack; AF_XDP ports take the frames away from it.
void silence_shared_interfaces(const Config& config) {
    for (const PortConfig& port : config.ports) {
        const bool routed = port.role == PortRole::desktop || port.role == PortRole::upstream;
        const auto at = port.device.find("iface=");
        if (routed && port.device.rfind("net_af_packet", 0) == 0 && at != std::string::npos) {
            KernelMirror::silence_interface(port.device.substr(at + 6, port.device.find(',', at) - at - 6));
        }
    }
}

/// What has become of the splices of the process before.
void tell_of_splices(const dataplane::Dataplane& dataplane) {
    using dataplane::Counter;
    const std::uint64_t on = dataplane.read(Counter::splices_taken_over);
    const std::uint64_t reset = dataplane.read(Counter::splices_left_behind);
    if (!dataplane.splices_not_read().empty()) {
        spdlog::warn("splices of before the start are lost: the file is {}", dataplane.splices_not_read());
    } else if (on + reset != 0) {
        spdlog::info("connections of before the start: {} splices go on, {} are reset", on, reset);
    }
}

std::vector<TwinInterface> twins_of(const Config& config, const dataplane::Dataplane& dataplane) {
    std::vector<TwinInterface> twins;
    const auto ports = dataplane.ports();
    for (std::uint16_t i = 0; i < ports.size(); ++i) {
        if (ports[i].twin_index != 0) {
            twins.push_back({ports[i].twin_index, i, ports[i].twin, config.ports[i].addresses, config.ports[i].routes});
        }
    }
    return twins;
}

} // namespace

Gateway::Gateway(const Config& given)
    : config(given), lock(config.system.run_dir), events(open_events(config)), dataplane(settings_from_config(config)), publisher(dataplane),
      kernel(twins_of(config, dataplane)), sessions(config, dataplane, publisher, events),
      access(config), access_events(access, sessions, events),
      warnings(sessions, events, [this](const IpAddress& a, std::uint16_t port) { return name_of(a, port); }),
      threats(config, dataplane.worker_count(), publisher, events),
      catalogue(config, dataplane.worker_count(), publisher),
      clock(config.analytics.clock_start, config.analytics.time_zone, std::chrono::system_clock::now(),
            config.analytics.holidays.empty() ? std::set<std::chrono::local_days>{}
                                              : load_holidays(config.analytics.holidays)),
      store(usage_database(config), config.analytics.bucket),
      usage(dataplane, store, config, [this](const IpAddress& a, std::uint16_t port) { return name_of(a, port); },
            [this](std::uint16_t usage_class, const IpAddress& a, std::uint16_t port, std::uint64_t connections) {
                directory.note_use(usage_class, a, port, connections);
            }),
      plan(dataplane, store, config),
      keeper(config, [this](std::uint16_t class_index, const std::string& destination, const IpAddress& server) {
          return !access.why_denied(class_index, destination, server);
      }),
      resolver(config.resolvers, [this](const std::string& name, bool is_v6, const std::vector<IpAddress>& addresses,
                                        std::uint32_t ttl_s) {
          const SteadyTime now = std::chrono::steady_clock::now();
          directory.learn(name, is_v6, addresses, ttl_s, now, AnswerSource::resolver);
          access.learn(name, addresses, ttl_s, now);
      }),
      captures(config.captures.folder, config.captures.keep),
      trace(dataplane.worker_count(),
            [this](unsigned worker, const dataplane::Order& order) { return dataplane.post(worker, order); }) {
    started_at_ = std::chrono::steady_clock::now();
    silence_shared_interfaces(config);
    for (const FeedConfig& feed : config.threats.feeds) {
        warnings.set_severity(feed.name, feed.severity);
    }
    threats.load_first();
    catalogue.load_first();
    publisher.set(kernel.table());
    sessions.publish_all();
    access.publish(publisher);
    publisher.flush();
    dataplane.start();
    tell_of_splices(dataplane);
    commands_ = std::make_unique<CommandTable>();
    add_commands(*commands_, *this);
    runner_ = std::make_unique<CommandRunner>(*commands_, queue);
    unix_server_ = std::make_unique<UnixServer>(config.console.socket, *runner_);
    if (config.console.telnet_port != 0) {
        TelnetSettings settings;
        if (!config.console.token_file.empty()) {
            settings.token = read_token_file(config.console.token_file);
        }
        telnet_ = std::make_unique<TelnetServer>(config.console.telnet_address, config.console.telnet_port, *runner_,
                                                 settings);
    }
    for (const dataplane::PortView& port : dataplane.ports()) {
        if (dataplane::is_routed(port.kind)) {
            spdlog::info("port {}: spread over {} worker(s): {}", port.name, dataplane.worker_count(), port.spread);
        }
    }
    metrics_ = start_metrics(config.metrics.address, config.metrics.port, FOREGATE_VERSION);
    lifecycle("started");
}

Gateway::~Gateway() {
    queue.stop();
    stop_capture("the gateway stops");
    metrics_.reset();
    telnet_.reset();
    unix_server_.reset();
    dataplane.stop();
}

void Gateway::lifecycle(const char* change) {
    Event event;
    event.type = "lifecycle";
    event.foregate["change"] = change;
    event.foregate["version"] = FOREGATE_VERSION;
    events.write(event, std::chrono::system_clock::now());
    spdlog::info("foregate {} {}", FOREGATE_VERSION, change);
}

void Gateway::note_capture(const char* change, const CaptureStatus& status) {
    Event event;
    event.type = "capture";
    event.foregate["change"] = change;
    event.foregate["file"] = status.file;
    if (status.phase == CaptureStatus::Phase::ended) {
        event.foregate["reason"] = status.ended_by;
        event.foregate["packets"] = status.packets;
        event.foregate["lost"] = status.lost;
    }
    events.write(event, std::chrono::system_clock::now());
}

void Gateway::stop_capture(const std::string& why) {
    if (captures.running()) {
        captures.stop(why);
        note_capture("ended", *captures.status());
    }
}

int Gateway::run() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    const int signal_fd = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    while (!stop_) {
        wait_for_work();
        signalfd_siginfo info;
        if (::read(signal_fd, &info, sizeof info) == sizeof info) {
            stop_ = true;
        }
        tick();
    }
    ::close(signal_fd);
    // The open bucket is kept: what was seen so far is committed as part of it.
    usage.tick(epoch_s(), true);
    for (int i = 0; i < 200 && usage.waiting(); ++i) {
        dataplane.take_reports(256, [this](unsigned worker, const dataplane::Report& r) { take_report(worker, r); });
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    lifecycle("stopped");
    return 0;
}

void Gateway::wait_for_work() {
    std::vector<pollfd> fds{{queue.event_fd(), POLLIN, 0}, {kernel.fd(), POLLIN, 0}};
    resolver.add_poll_fds(fds);
    ::poll(fds.data(), fds.size(), static_cast<int>(kTurn.count()));
    resolver.process(fds, std::chrono::steady_clock::now());
    queue.run_pending();
    if (kernel.update()) {
        publisher.set(kernel.table());
    }
}

void Gateway::tick() {
    const SteadyTime now = std::chrono::steady_clock::now();
    dataplane.take_reports(256, [this](unsigned worker, const dataplane::Report& r) { take_report(worker, r); });
    trace.tick(now);
    access.tick(publisher, now);
    usage.tick(epoch_s());
    catalogue.tick(now);
    threats.tick(now, dataplane.published().number + 1);
    if (now - slow_tick_at_ >= kSlowTurn) {
        slow_tick_at_ = now;
        sessions.tick(now);
        ask_names(now);
        if (plan.tick(clock, epoch_s(), now, surroundings())) {
            plan_events_.tell(plan, std::chrono::system_clock::now());
            directory_published_ = 0; // tables by destination are made anew
        }
        keep_connections(now);
    }
    constexpr std::chrono::seconds kMirrorInterval{2};
    if (now - mirrored_at_ >= kMirrorInterval) {
        mirrored_at_ = now;
        mirror_flows();
    }
    if (directory_published_ != directory.version() + 1) {
        directory_published_ = directory.version() + 1;
        publish_destinations();
    }
    if (now - metrics_at_ >= std::chrono::seconds(1)) {
        metrics_at_ = now;
        events.flush_suppressed(std::chrono::system_clock::now());
        kernel.refresh_stale();
        directory.expire(std::chrono::steady_clock::now());
        if (const auto ended = captures.tick(std::chrono::system_clock::now())) {
            note_capture("ended", *ended);
        }
        if (metrics_) {
            metrics_->publish(gather_metrics(*this));
        }
    }
    publisher.flush();
}

void Gateway::take_report(unsigned worker, const dataplane::Report& report) {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (const auto* held = std::get_if<dataplane::HeldReport>(&report)) {
        keeper.report(*held, now);
    } else if (const auto* seen = std::get_if<dataplane::DesktopSeen>(&report)) {
        sessions.seen(*seen, now);
    } else if (const auto* dns = std::get_if<dataplane::DnsLearned>(&report)) {
        directory.learn(*dns, now);
        access.learn(dns->name.data(), std::span(dns->addresses).first(dns->count), dns->ttl_s, now);
    } else if (const auto* name = std::get_if<dataplane::NameSeen>(&report)) {
        directory.learn_from_flow(name->name.data(), name->server, name->port, now);
    } else if (const auto* threat = std::get_if<dataplane::ThreatMatched>(&report)) {
        warnings.take(*threat, threats.tables(), threats.since_generation(), now);
    } else if (const auto* denied = std::get_if<dataplane::AccessDenied>(&report)) {
        access_events.take(*denied);
    } else if (const auto* deviated = std::get_if<dataplane::Deviated>(&report)) {
        warnings.take(*deviated, now);
    } else if (const auto* syn = std::get_if<dataplane::SynLearned>(&report)) {
        keeper.learn(*syn);
    } else if (const auto* ready = std::get_if<dataplane::UsageReady>(&report)) {
        if (usage.ready(worker, *ready)) {
            plan.forecast_again();
        }
    }
}

/// Names that plan, pattern and monitors speak of are kept fresh, whether or not a desktop asks for them.
void Gateway::ask_names(SteadyTime now) {
    std::vector<std::string> destinations = access.names().to_ask();
    for (const ConnectionTarget& target : plan.plan().targets) {
        destinations.push_back(target.destination);
    }
    for (const Allotment& allotment : plan.plan().allotments) {
        destinations.push_back(allotment.destination);
    }
    for (const ClassPattern& pattern : plan.pattern().classes) {
        destinations.insert(destinations.end(), pattern.destinations.begin(), pattern.destinations.end());
    }
    constexpr std::size_t kMostNames = 512;
    destinations.resize(std::min(destinations.size(), kMostNames));
    for (const std::string& name : directory.stale_names(destinations, now)) {
        resolver.ask(name, now);
    }
}

PlanSurroundings Gateway::surroundings() {
    PlanSurroundings around;
    const auto counts = sessions.table().counts();
    for (std::size_t i = 0; i < config.classes.size(); ++i) {
        const ClassConfig& usage_class = config.classes[i];
        around.classes.push_back({usage_class.name, counts[i].desktops, counts[i].active, usage_class.floor_bps,
                                  usage_class.monitor});
    }
    around.listed = [this](const std::string& destination) {
        const auto parts = parse_destination(destination);
        if (parts && parts->kind == DestinationParts::Kind::name && threats.listed(parts->name)) {
            return true;
        }
        const auto addresses = directory.addresses_of(destination);
        return std::any_of(addresses.begin(), addresses.end(), [this](const IpAddress& a) { return threats.listed(a); });
    };
    around.denied = [this](const std::string& usage_class, const std::string& destination) {
        const auto found = std::find_if(config.classes.begin(), config.classes.end(),
                                        [&](const ClassConfig& c) { return c.name == usage_class; });
        const auto class_index = static_cast<std::uint16_t>(found - config.classes.begin());
        const auto addresses = directory.addresses_of(destination);
        return !addresses.empty() && std::all_of(addresses.begin(), addresses.end(), [&](const IpAddress& a) {
            return access.why_denied(class_index, destination, a).has_value();
        });
    };
    return around;
}

void Gateway::keep_connections(SteadyTime now) {
    for (const KeeperOrder& order : keeper.tick(plan.plan().targets, sessions.table().desktops(), directory, now)) {
        post(order);
    }
    for (const ProbeResult& probe : keeper.take_probes()) {
        ShadowSession* shadow = sessions.shadows().find(probe.desktop);
        DestinationHealth* health = shadow != nullptr ? shadow->health(probe.destination) : nullptr;
        if (health == nullptr) {
            continue;
        }
        if (probe.refused) {
            health->refused();
        } else if (probe.rtt_us == 0) {
            health->lost();
        } else {
            health->answered(probe.rtt_us, now);
        }
    }
}

/// The shadow sessions' picture of live flows and held connections; in memory only.
void Gateway::mirror_flows() {
    if (sessions.shadows().size() == 0) {
        return;
    }
    std::map<DesktopId, std::map<std::string, DestinationNow>> live;
    for (const dataplane::FlowView& flow : snapshot(0, true, false).flows) {
        const std::string destination = name_of(flow.server, flow.server_port);
        DestinationNow& entry = live[flow.desktop][destination];
        entry.destination = destination;
        ++entry.live_flows;
        entry.bytes_up += flow.bytes_up;
        entry.bytes_down += flow.bytes_down;
    }
    for (const Desktop& desktop : sessions.table().desktops()) {
        ShadowSession* shadow = sessions.shadows().find(desktop.id);
        if (shadow == nullptr) {
            continue;
        }
        std::vector<DestinationNow> destinations;
        for (auto& [name, entry] : live[desktop.id]) {
            destinations.push_back(std::move(entry));
        }
        shadow->set_destinations(std::move(destinations));
        const auto held = keeper.counts_of(desktop.id);
        const auto before = shadow->held(); // a copy: what is gone is taken out of it meanwhile
        for (const auto& [destination, count] : before) {
            if (!held.contains(destination)) {
                shadow->set_held(destination, HeldCount{});
            }
        }
        for (const auto& [destination, count] : held) {
            shadow->set_held(destination, count);
        }
    }
}

void Gateway::post(const KeeperOrder& order) {
    const unsigned worker = dataplane.worker_of(order.source, order.server);
    const bool sent = std::visit([&](const auto& o) { return dataplane.post(worker, o); }, order.order);
    if (!sent) {
        keeper.not_sent(order);
    }
}

void Gateway::publish_destinations() {
    const AddressesOf addresses = [this](const std::string& destination) { return directory.addresses_of(destination); };
    publisher.set(plan.plan_table(addresses, config));
    publisher.set(pattern_table(plan.pattern(), config, addresses, config.resolvers));
}

void Gateway::look_up(const dataplane::RehearsalOrder& order, dataplane::FlowLookup& into) {
    dataplane::LookUpFlow look;
    look.into = &into;
    look.source = order.source;
    look.destination = order.destination;
    look.source_port = order.source_port;
    look.destination_port = order.destination_port;
    look.protocol = order.protocol;
    look.desktop = order.desktop;
    if (!dataplane.post(dataplane.worker_of(order.source, order.destination), look)) {
        throw std::runtime_error("the worker takes no more orders at this moment, try again");
    }
    while (!into.done.load(std::memory_order_acquire)) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
}

std::string Gateway::open_held(const std::string& desktop_name, const std::string& destination) {
    const Desktop* desktop = sessions.table().find(std::string_view(desktop_name));
    if (desktop == nullptr) {
        return "no desktop is called " + desktop_name + " or has this address";
    }
    if (desktop->state != SessionState::active) {
        return desktop->name + " has no session that is active";
    }
    const auto parts = parse_destination(destination);
    if (!parts || parts->kind == DestinationParts::Kind::prefix) {
        return destination + " is no destination, expected NAME:PORT or ADDRESS:PORT";
    }
    const SteadyTime now = std::chrono::steady_clock::now();
    if (surroundings().listed(destination)) {
        return destination + " is on the threat list";
    }
    for (const IpAddress& server : directory.addresses_of(destination)) {
        if (const auto rule = access.why_denied(desktop->class_index, destination, server)) {
            return destination + " is denied to class " + desktop->usage_class + ": " + *rule;
        }
    }
    const auto order = keeper.order_one(*desktop, destination, directory, now);
    if (!order) {
        if (parts->kind == DestinationParts::Kind::name) {
            resolver.ask(parts->name, now);
            return destination + ": no address known yet for this desktop's address family; asked, try again";
        }
        return destination + ": the desktop has no address of this family, or a cap is reached";
    }
    post(*order);
    return {};
}

Gateway::Snapshots Gateway::snapshot(std::uint32_t desktop, bool flows, bool held) {
    constexpr std::size_t kMost = 10000;
    Snapshots out;
    std::vector<std::unique_ptr<dataplane::Snapshot>> parts;
    for (unsigned worker = 0; worker < dataplane.worker_count(); ++worker) {
        auto part = std::make_unique<dataplane::Snapshot>();
        part->flows.reserve(flows ? kMost : 0);
        part->held.reserve(held ? kMost : 0);
        if (dataplane.post(worker, dataplane::TakeSnapshot{part.get(), desktop, flows, held})) {
            parts.push_back(std::move(part));
        }
    }
    for (const auto& part : parts) {
        while (!part->done.load(std::memory_order_acquire)) {
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
        out.flows.insert(out.flows.end(), part->flows.begin(), part->flows.end());
        out.held.insert(out.held.end(), part->held.begin(), part->held.end());
        out.truncated = out.truncated || part->truncated;
    }
    return out;
}

} // namespace foregate::control
