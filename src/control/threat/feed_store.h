// SPDX-License-Identifier: BSD-3-Clause
// The last good version of each feed on disk, as copies of its files, so that a feed that is found
// empty or cut off after a restart has something to fall back on. Control core only.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace foregate::control {

class FeedStore {
public:
    /// `folder` is made when there is something to keep, mode 0700; empty: nothing is kept.
    explicit FeedStore(std::filesystem::path folder = {}) : folder_(std::move(folder)) {}

    /// How many entries the stored version of a feed had; nullopt when there is none.
    [[nodiscard]] std::optional<std::size_t> entries_of(const std::string& feed) const;
    /// Where it is: a folder that can be read as a feed.
    [[nodiscard]] std::filesystem::path path_of(const std::string& feed) const;
    /// Copies the file, or the files of the folder, unless the stored ones are the same by size and
    /// time. Returns why it could not, or empty; what was stored before stays then.
    [[nodiscard]] std::string save(const std::string& feed, const std::filesystem::path& source,
                                   std::size_t entries) const;

private:
    std::filesystem::path folder_;
};

} // namespace foregate::control
