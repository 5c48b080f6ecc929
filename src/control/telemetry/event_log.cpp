// SPDX-License-Identifier: BSD-3-Clause
#include "control/telemetry/event_log.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <stdexcept>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace foregate::control {
namespace {

using Json = nlohmann::ordered_json;

int open_log(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || ::fchmod(fd, 0600) != 0) {
        const int error = errno;
        if (fd >= 0) {
            ::close(fd);
        }
        throw std::runtime_error("event file " + file.string() + ": " +
                                 std::generic_category().message(error));
    }
    return fd;
}

/// A killed process may have left half a line.
bool ends_inside_line(int fd) {
    struct stat status {};
    char last = '\n';
    return ::fstat(fd, &status) == 0 && status.st_size > 0 &&
           ::pread(fd, &last, 1, status.st_size - 1) == 1 && last != '\n';
}

void add_flow(Json& line, const EventFlow& flow) {
    const auto text = [&](const char* key, const std::string& value) {
        if (!value.empty()) {
            line[key] = value;
        }
    };
    const auto port = [&](const char* key, std::uint16_t value) {
        if (value != 0) {
            line[key] = value;
        }
    };
    text("src_ip", flow.src_ip);
    port("src_port", flow.src_port);
    text("dest_ip", flow.dest_ip);
    port("dest_port", flow.dest_port);
    text("proto", flow.proto);
    text("app_proto", flow.app_proto);
}

void add_alert(Json& line, const EventAlert& alert, const std::string& verdict) {
    line["alert"] = {{"action", alert.action},
                     {"gid", alert.gid},
                     {"signature_id", alert.signature_id},
                     {"rev", alert.rev},
                     {"signature", alert.signature},
                     {"category", alert.category},
                     {"severity", alert.severity}};
    const char* usual = alert.action == "blocked" ? "drop" : "pass";
    line["verdict"] = {{"action", verdict.empty() ? usual : verdict}};
}

Json line_of(const Event& event, EventTime now) {
    Json line;
    line["timestamp"] = event_timestamp(now);
    if (event.flow && event.flow->flow_id) {
        line["flow_id"] = *event.flow->flow_id;
    }
    if (event.flow && !event.flow->in_iface.empty()) {
        line["in_iface"] = event.flow->in_iface;
    }
    line["event_type"] = event.type;
    if (event.flow) {
        add_flow(line, *event.flow);
    }
    if (event.alert) {
        add_alert(line, *event.alert, event.verdict);
    }
    Json own = event.desktop.empty() ? Json::object() : Json{{"desktop", event.desktop}};
    own.update(event.foregate.is_object() ? event.foregate : Json{{"note", event.foregate}});
    if (!own.empty()) {
        line["foregate"] = std::move(own);
    }
    return line;
}

bool is_name_byte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
}

/// Every occurrence that is not a part of a longer name: "10.0.0.1" is not in "10.0.0.12", nor
/// "pc1" in "pc12".
void replace_word(std::string& text, const std::string& word, const std::string& by) {
    for (std::size_t at = text.find(word); !word.empty() && at != std::string::npos;
         at = text.find(word, at)) {
        const std::size_t end = at + word.size();
        const bool inside = (at > 0 && is_name_byte(text[at - 1])) ||
                            (end < text.size() && is_name_byte(text[end]));
        if (inside) {
            at = end;
        } else {
            text.replace(at, word.size(), by);
            at += by.size();
        }
    }
}

} // namespace

std::string event_timestamp(EventTime time) {
    const auto since = time.time_since_epoch();
    const auto second = std::chrono::floor<std::chrono::seconds>(since);
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(since - second).count();
    const std::time_t seconds = static_cast<std::time_t>(second.count());
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    char date[32];
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    char text[64];
    std::snprintf(text, sizeof text, "%s.%06d+0000", date, static_cast<int>(us));
    return text;
}

EventLog::EventLog(std::filesystem::path file, std::optional<Pseudonyms> pseudonyms,
                   EventLimit limit)
    : file_(std::move(file)), pseudonyms_(pseudonyms), limit_(limit), fd_(open_log(file_)),
      torn_(ends_inside_line(fd_)) {}

EventLog::~EventLog() {
    ::close(fd_);
}

void EventLog::reopen() {
    const int fresh = open_log(file_);
    ::close(std::exchange(fd_, fresh));
    torn_ = ends_inside_line(fd_);
}

EventLog::Bucket& EventLog::bucket_of(const std::string& type, EventTime now) {
    return buckets_.try_emplace(type, Bucket{limit_.burst, now, 0}).first->second;
}

bool EventLog::take_token(Bucket& bucket, EventTime now) const {
    const std::chrono::duration<double> passed = now - bucket.last;
    bucket.tokens =
        std::min(limit_.burst, bucket.tokens + std::max(0.0, passed.count()) * limit_.per_second);
    bucket.last = now; // also backwards: the system's clock may be set
    if (bucket.tokens < 1.0) {
        return false;
    }
    bucket.tokens -= 1.0;
    return true;
}

bool EventLog::write(const Event& event, EventTime now) {
    Bucket& bucket = bucket_of(event.type, now);
    if (!take_token(bucket, now)) {
        ++bucket.suppressed;
        ++suppressed_;
        return false;
    }
    Json line = line_of(event, now);
    if (pseudonyms_) {
        hide_desktop(line, event);
    }
    if (const std::uint64_t missed = std::exchange(bucket.suppressed, 0); missed > 0) {
        line["foregate"]["suppressed"] = missed;
    }
    return emit(std::move(line));
}

void EventLog::flush_suppressed(EventTime now) {
    for (auto& [type, bucket] : buckets_) {
        if (bucket.suppressed > 0 && take_token(bucket, now)) {
            Json line{{"timestamp", event_timestamp(now)}, {"event_type", "lifecycle"}};
            line["foregate"] = {{"reason", "events-suppressed"},
                                {"of_event_type", type},
                                {"suppressed", std::exchange(bucket.suppressed, 0)}};
            emit(std::move(line));
        }
    }
}

void EventLog::hide_desktop(Json& value, const Event& event) const {
    if (value.is_string()) {
        auto& text = value.get_ref<std::string&>();
        if (!event.desktop_address.empty()) {
            replace_word(text, event.desktop_address,
                         pseudonyms_->of_address(event.desktop_address));
        }
        if (!event.desktop.empty()) {
            replace_word(text, event.desktop, pseudonyms_->of_name(event.desktop));
        }
    }
    for (auto& member : value.items()) {
        if (value.is_structured()) {
            const bool kept = member.key() == "timestamp" || member.key() == "event_type";
            if (!value.is_object() || !kept) {
                hide_desktop(member.value(), event);
            }
        }
    }
}

bool EventLog::emit(Json line) {
    std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
    recent_.push_back(std::move(line));
    if (recent_.size() > kKept) {
        recent_.pop_front();
    }
    if (torn_) {
        text.insert(0, 1, '\n');
    }
    const ssize_t n = ::write(fd_, text.data(), text.size()); // one call, appended as a whole
    if (n != static_cast<ssize_t>(text.size())) {
        torn_ = n > 0 || torn_;
        ++write_errors_;
        return false;
    }
    torn_ = false;
    ++written_;
    return true;
}

} // namespace foregate::control
