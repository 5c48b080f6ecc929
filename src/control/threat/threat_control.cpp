// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/threat_control.h"

#include <exception>
#include <spdlog/spdlog.h>

namespace foregate::control {

namespace {

constexpr std::chrono::seconds kLookInterval{2};

dataplane::ThreatAction action_of(ThreatAction action) {
    return action == ThreatAction::block ? dataplane::ThreatAction::block : dataplane::ThreatAction::note;
}

ThreatSources sources_of(const Config& config) {
    ThreatSources sources;
    for (const FeedConfig& feed : config.threats.feeds) {
        FeedDefinition definition;
        definition.name = feed.name;
        definition.path = feed.path;
        definition.action = action_of(feed.action);
        definition.category = feed.category;
        definition.max_shrink_ratio = feed.max_shrink;
        definition.private_addresses = feed.private_addresses;
        definition.public_suffixes = feed.public_suffixes;
        definition.time_to_live = feed.time_to_live.count();
        sources.feeds.push_back(std::move(definition));
    }
    sources.allow_files = config.threats.allow;
    sources.rules.suffixes = PublicSuffixes::of_system();
    // The gateway's own addresses must stay reachable whatever a feed says.
    for (const PortConfig& port : config.ports) {
        for (const IpPrefix& address : port.addresses) {
            sources.rules.own_prefixes.push_back(
                IpPrefix{address.address, static_cast<std::uint8_t>(address.is_v4() ? 32 : 128)});
        }
    }
    for (const IpAddress& resolver : config.resolvers) {
        sources.rules.own_prefixes.push_back(IpPrefix{resolver, static_cast<std::uint8_t>(resolver.is_v4() ? 32 : 128)});
    }
    return sources;
}

std::vector<std::filesystem::path> paths_of(const ThreatSources& sources) {
    std::vector<std::filesystem::path> paths = sources.allow_files;
    for (const FeedDefinition& feed : sources.feeds) {
        paths.push_back(feed.path);
    }
    return paths;
}

std::int64_t seconds_of_1970() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

} // namespace

ThreatControl::ThreatControl(const Config& config, unsigned workers, Publisher& publisher, EventLog& events)
    : sources_(sources_of(config)), watch_(config.threats.watch),
      changes_(watch_ ? paths_of(sources_) : std::vector<std::filesystem::path>{}), workers_(workers),
      publisher_(publisher), events_(events), loader_(FeedStore(config.system.state_dir / "threat-feeds")),
      build_(config.system.state_dir / "threat-names") {}

ThreatControl::~ThreatControl() {
    if (running_.valid()) {
        running_.wait();
    }
}

ThreatControl::Outcome ThreatControl::load_now(const std::shared_ptr<const dataplane::ThreatTables>& in_force,
                                              ShrunkFeeds shrunk) {
    const auto begun = std::chrono::steady_clock::now();
    Outcome outcome;
    ThreatSources sources = sources_;
    sources.rules.now = seconds_of_1970();
    outcome.load = loader_.load(sources, shrunk);
    outcome.tables = std::make_shared<dataplane::ThreatTables>(
        build_.build(std::move(outcome.load.input), in_force ? &in_force->db : nullptr), workers_);
    outcome.took =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
    return outcome;
}

void ThreatControl::load_first() {
    times_ = file_times();
    put_in_force(load_now(nullptr, ShrunkFeeds::keep_last_good), 0);
}

bool ThreatControl::reload(ShrunkFeeds shrunk) {
    if (running_.valid()) {
        again_ = true;
        shrunk_again_ = shrunk == ShrunkFeeds::accept ? shrunk : shrunk_again_;
        return false;
    }
    times_ = file_times();
    running_ = std::async(std::launch::async, [this, in_force = tables_, shrunk] { return load_now(in_force, shrunk); });
    return true;
}

void ThreatControl::tick(std::chrono::steady_clock::time_point now, std::uint32_t generation) {
    if (running_.valid() && running_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
        try {
            put_in_force(running_.get(), generation);
        } catch (const std::exception& error) {
            last_error_ = error.what();
            spdlog::error("threat list not changed: {}", error.what());
            Event event;
            event.type = "threat";
            event.foregate["change"] = "reload_failed";
            event.foregate["error"] = error.what();
            events_.write(event, std::chrono::system_clock::now());
        }
        if (std::exchange(again_, false)) {
            reload(std::exchange(shrunk_again_, ShrunkFeeds::keep_last_good));
        }
    }
    if (watch_ && changes_.changed(now)) {
        reload();
    }
    if (now - looked_at_ < kLookInterval) {
        return;
    }
    looked_at_ = now;
    if (next_expiry_ != 0 && next_expiry_ <= seconds_of_1970()) {
        next_expiry_ = 0;
        reload();
    }
    // What inotify does not tell (other machines' changes on shared disks, links that are turned). A file that is
    // being written changes from look to look; it is read when two looks have seen the same.
    if (watch_) {
        auto seen = file_times();
        if (seen != times_ && seen == seen_) {
            reload();
        }
        seen_ = std::move(seen);
    }
}

void ThreatControl::put_in_force(Outcome outcome, std::uint32_t generation) {
    tables_ = std::move(outcome.tables);
    scratch_ = std::make_unique<dataplane::NameScratch>(tables_->db.make_scratch());
    since_generation_ = generation;
    feeds_ = std::move(outcome.load.feeds);
    load_took_ = outcome.took;
    next_expiry_ = outcome.load.next_expiry;
    ++loads_;
    last_error_.clear();
    publisher_.set(tables_);
    for (const std::string& note : outcome.load.notes) {
        spdlog::warn("{}", note);
        Event event;
        event.type = "threat";
        event.foregate["change"] = "feed_note";
        event.foregate["note"] = note;
        events_.write(event, std::chrono::system_clock::now());
    }
    Event event;
    event.type = "threat";
    event.foregate["change"] = "in_force";
    event.foregate["names"] = tables_->db.name_count();
    event.foregate["prefixes"] = tables_->db.prefix_count();
    event.foregate["load_ms"] = load_took_.count();
    events_.write(event, std::chrono::system_clock::now());
    spdlog::info("threat list in force: {} names, {} prefixes from {} feeds, {} ms", tables_->db.name_count(),
                 tables_->db.prefix_count(), feeds_.size(), load_took_.count());
}

std::map<std::string, std::filesystem::file_time_type> ThreatControl::file_times() const {
    std::map<std::string, std::filesystem::file_time_type> times;
    std::error_code error;
    const auto note = [&](const std::filesystem::path& path) {
        times[path.string()] = std::filesystem::last_write_time(path, error);
        if (std::filesystem::is_directory(path, error)) {
            for (const auto& file : std::filesystem::directory_iterator(path, error)) {
                times[file.path().string()] = file.last_write_time(error);
            }
        }
    };
    for (const FeedDefinition& feed : sources_.feeds) {
        note(feed.path);
    }
    for (const auto& file : sources_.allow_files) {
        note(file);
    }
    return times;
}

bool ThreatControl::listed(const IpAddress& address) const {
    const auto* entry = tables_ ? tables_->db.match_address(address) : nullptr;
    return entry != nullptr && entry->action == dataplane::ThreatAction::block;
}

bool ThreatControl::listed(const std::string& name) const {
    const auto* entry = tables_ ? tables_->db.match_name(name, *scratch_) : nullptr;
    return entry != nullptr && entry->action == dataplane::ThreatAction::block;
}

} // namespace foregate::control
