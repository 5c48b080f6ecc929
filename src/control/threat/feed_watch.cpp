// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/feed_watch.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <sys/inotify.h>
#include <system_error>
#include <unistd.h>

namespace foregate::control {

FeedWatch::FeedWatch(const std::vector<std::filesystem::path>& paths)
    : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    for (const std::filesystem::path& path : paths) {
        std::error_code error;
        if (std::filesystem::is_directory(path, error)) {
            add(path, "");
        } else {
            const std::filesystem::path folder = path.parent_path();
            add(folder.empty() ? std::filesystem::path(".") : folder, path.filename().string());
        }
    }
}

FeedWatch::~FeedWatch() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

void FeedWatch::add(const std::filesystem::path& folder, const std::string& name) {
    constexpr std::uint32_t kEvents =
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
    const int watch = fd_ < 0 ? -1 : ::inotify_add_watch(fd_, folder.c_str(), kEvents);
    if (watch >= 0) {
        names_[watch].insert(name);
    }
}

bool FeedWatch::drain() {
    bool ours = false;
    alignas(inotify_event) std::array<char, 16384> events{};
    while (fd_ >= 0) {
        const ssize_t got = ::read(fd_, events.data(), events.size());
        if (got <= 0) {
            break;
        }
        const auto size = static_cast<std::size_t>(got);
        for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
            inotify_event event{};
            std::memcpy(&event, events.data() + at, sizeof event);
            const std::string name =
                event.len == 0 ? "" : std::string(events.data() + at + sizeof event);
            at += sizeof event + event.len;
            const auto watched = names_.find(event.wd);
            // A queue that ran over has lost names; anything may have changed.
            const bool lost = (event.mask & IN_Q_OVERFLOW) != 0;
            const bool any =
                watched != names_.end() && watched->second.contains("") && !name.starts_with('.');
            ours |= lost || any ||
                    (watched != names_.end() && !name.empty() && watched->second.contains(name));
        }
    }
    return ours;
}

bool FeedWatch::changed(std::chrono::steady_clock::time_point now) {
    if (drain()) {
        pending_ = true;
        last_ = now;
        return false;
    }
    if (!pending_ || now - last_ < kQuiet) {
        return false;
    }
    pending_ = false;
    return true;
}

} // namespace foregate::control
