// SPDX-License-Identifier: BSD-3-Clause
// Keeps the threat list in force: loads feeds beside the control thread, publishes, watches the files.
#pragma once

#include "control/publisher.h"
#include "control/telemetry/event_log.h"
#include "control/threat/feed_watch.h"
#include "control/threat/threat_build.h"
#include "control/threat/threat_loader.h"

#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace foregate::control {

/// Control thread only; reading and compiling run on a thread of their own. A load that fails leaves what is in force.
class ThreatControl {
public:
    ThreatControl(const Config& config, unsigned workers, Publisher& publisher, EventLog& events);
    ~ThreatControl();

    /// The first load; waits for it, so that nothing passes before the list is in force. Throws FeedUnreadable.
    void load_first();
    /// Begins a load; false when one is running (another follows it).
    /// `accept`: the operator says that smaller, empty or cut off feeds are right.
    bool reload(ShrunkFeeds shrunk = ShrunkFeeds::keep_last_good);
    /// Takes a finished load; looks at the files now and then. `generation`: the one that will be published next.
    void tick(std::chrono::steady_clock::time_point now, std::uint32_t generation);

    [[nodiscard]] const dataplane::ThreatTables* tables() const noexcept { return tables_.get(); }
    /// Entries reported under an older generation belong to another database.
    [[nodiscard]] std::uint32_t since_generation() const noexcept { return since_generation_; }
    [[nodiscard]] const std::vector<FeedStatus>& feeds() const noexcept { return feeds_; }
    [[nodiscard]] bool listed(const IpAddress& address) const;
    /// Asked on the control thread only.
    [[nodiscard]] bool listed(const std::string& name) const;
    [[nodiscard]] std::uint64_t loads() const noexcept { return loads_; }
    [[nodiscard]] const std::string& last_error() const noexcept { return last_error_; }
    [[nodiscard]] std::chrono::milliseconds load_took() const noexcept { return load_took_; }

private:
    struct Outcome {
        std::shared_ptr<const dataplane::ThreatTables> tables;
        ThreatLoad load;
        std::chrono::milliseconds took{};
    };
    /// `in_force`: what stands now, to be taken over as far as it holds still.
    [[nodiscard]] Outcome load_now(const std::shared_ptr<const dataplane::ThreatTables>& in_force, ShrunkFeeds shrunk);
    void put_in_force(Outcome outcome, std::uint32_t generation);
    [[nodiscard]] std::map<std::string, std::filesystem::file_time_type> file_times() const;

    ThreatSources sources_;
    const bool watch_;
    FeedWatch changes_;
    const unsigned workers_;
    Publisher& publisher_;
    EventLog& events_;
    ThreatLoader loader_; ///< touched by one load at a time
    ThreatBuild build_;   ///< likewise
    std::future<Outcome> running_;
    bool again_ = false;
    ShrunkFeeds shrunk_again_ = ShrunkFeeds::keep_last_good; ///< of the load that follows
    std::shared_ptr<const dataplane::ThreatTables> tables_;
    std::unique_ptr<dataplane::NameScratch> scratch_; ///< the control thread's own
    std::uint32_t since_generation_ = 0;
    std::vector<FeedStatus> feeds_;
    std::map<std::string, std::filesystem::file_time_type> times_;
    std::map<std::string, std::filesystem::file_time_type> seen_; ///< at the last look, when they differ from times_
    std::int64_t next_expiry_ = 0;                                ///< seconds of 1970; 0: nothing ends
    std::chrono::steady_clock::time_point looked_at_{};
    std::uint64_t loads_ = 0;
    std::string last_error_;
    std::chrono::milliseconds load_took_{};
};

} // namespace foregate::control
