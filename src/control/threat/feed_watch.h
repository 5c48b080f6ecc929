// SPDX-License-Identifier: BSD-3-Clause
// Tells when the files of feeds have changed, by inotify: a file that was written and closed, or
// moved into place or away. A burst of changes counts once it has been quiet for a moment, so that
// a folder that is being filled is read when it is full. One thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace foregate::control {

class FeedWatch {
public:
    static constexpr std::chrono::milliseconds kQuiet{300};

    /// Files are watched through the folders that they are in, so they may come and go. What cannot
    /// be watched is left out: the caller looks at the files' times now and then as well.
    explicit FeedWatch(const std::vector<std::filesystem::path>& paths);
    ~FeedWatch();
    FeedWatch(const FeedWatch&) = delete;
    FeedWatch& operator=(const FeedWatch&) = delete;

    /// True once for each burst of changes that is over. Never blocks.
    [[nodiscard]] bool changed(std::chrono::steady_clock::time_point now);
    /// Folders that are watched.
    [[nodiscard]] std::size_t folders() const noexcept { return names_.size(); }

private:
    void add(const std::filesystem::path& folder, const std::string& name);
    /// True when one of our files is among what happened since the last call.
    [[nodiscard]] bool drain();

    int fd_ = -1;
    std::map<int, std::set<std::string>> names_; ///< by watch: the files that count; "": every one
    bool pending_ = false;
    std::chrono::steady_clock::time_point last_{};
};

} // namespace foregate::control
