// SPDX-License-Identifier: BSD-3-Clause
// Security and lifecycle events as JSON lines in Suricata's EVE form, so that existing pipelines
// read them. The only place, with operators' captures, where a desktop is named together with a
// destination: mode 0600, pseudonyms on request. Format: docs.suricata.io, "Eve JSON Format"
// (timestamp, event_type, flow fields, alert, verdict).
//
// Control thread only. Time is an argument. A full disk costs events (counted), never the gateway.
#pragma once

#include "control/telemetry/pseudonym.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace foregate::control {

using EventTime = std::chrono::system_clock::time_point;

/// Empty strings and zero ports are left out.
struct EventFlow {
    std::optional<std::uint64_t> flow_id;
    std::string in_iface;
    std::string src_ip;
    std::uint16_t src_port = 0;
    std::string dest_ip;
    std::uint16_t dest_port = 0;
    std::string proto;     ///< "TCP", "UDP", "ICMP"
    std::string app_proto; ///< "tls", "dns", "http"
};

struct EventAlert {
    std::string action; ///< "allowed" or "blocked"
    std::uint32_t gid = 1;
    std::uint32_t signature_id = 0;
    std::uint32_t rev = 1;
    std::string signature;
    std::string category;
    std::uint32_t severity = 1; ///< 1 is the worst
};

struct Event {
    std::string type; ///< event_type: "alert", or ours: session, allotment, preconnect, secondary,
                      ///< forecast, threat, lifecycle
    std::string desktop; ///< its name; appears as foregate.desktop
    std::string
        desktop_address; ///< wherever it stands in this event, it is the desktop's: pseudonym there
    std::optional<EventFlow> flow;
    std::optional<EventAlert> alert;
    std::string verdict; ///< with an alert: "pass", "drop"; default from the alert's action
    nlohmann::ordered_json foregate =
        nlohmann::ordered_json::object(); ///< class, reason code, figures with units
};

/// Per event_type: a burst, then a steady rate.
struct EventLimit {
    double burst = 200;
    double per_second = 50;
};

class EventLog {
public:
    /// Opens (or makes) the file, mode 0600. With `pseudonyms`, names and addresses of desktops are
    /// replaced in every text of an event. Throws std::runtime_error naming the file.
    EventLog(std::filesystem::path file, std::optional<Pseudonyms> pseudonyms,
             EventLimit limit = {});
    ~EventLog();
    EventLog(const EventLog&) = delete;
    EventLog& operator=(const EventLog&) = delete;

    /// Writes one line, unless its type is over its limit: then it is counted, and the next line of
    /// that type that passes says in foregate.suppressed how many there were. False when nothing
    /// reached the file.
    bool write(const Event& event, EventTime now);

    /// Reports what was suppressed and has had no later event, once its limit allows. Call now and
    /// then.
    void flush_suppressed(EventTime now);

    /// After rotation. Throws like the constructor; then the old file stays in use.
    void reopen();

    static constexpr std::size_t kKept = 1000;
    /// The last kKept events as written, oldest first.
    [[nodiscard]] const std::deque<nlohmann::ordered_json>& recent() const { return recent_; }

    [[nodiscard]] std::uint64_t written_total() const { return written_; }
    [[nodiscard]] std::uint64_t suppressed_total() const { return suppressed_; }
    [[nodiscard]] std::uint64_t write_errors_total() const { return write_errors_; }

private:
    struct Bucket {
        double tokens = 0;
        EventTime last{};
        std::uint64_t suppressed = 0; ///< since the last line of this type
    };
    bool take_token(Bucket& bucket, EventTime now) const;
    Bucket& bucket_of(const std::string& type, EventTime now);
    bool emit(nlohmann::ordered_json line);
    void hide_desktop(nlohmann::ordered_json& value, const Event& event) const;

    const std::filesystem::path file_;
    const std::optional<Pseudonyms> pseudonyms_;
    const EventLimit limit_;
    int fd_ = -1;
    bool torn_ = false; ///< the last write stopped inside a line
    std::map<std::string, Bucket, std::less<>> buckets_;
    std::deque<nlohmann::ordered_json> recent_;
    std::uint64_t written_ = 0;
    std::uint64_t suppressed_ = 0;
    std::uint64_t write_errors_ = 0;
};

/// "2026-11-22T13:59:30.000123+0000": as Suricata writes it, in UTC.
[[nodiscard]] std::string event_timestamp(EventTime time);

} // namespace foregate::control
