// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/feed_store.h"

#include "control/threat/feed_reader.h"

#include <fstream>
#include <system_error>
#include <vector>

namespace foregate::control {

namespace {

namespace fs = std::filesystem;

/// Hidden, so that it is no file of the feed.
constexpr const char* kCountFile = ".entries";

bool is_same(const std::vector<fs::path>& files, const fs::path& stored) {
    std::error_code error;
    std::size_t present = 0;
    for (const auto& entry : fs::directory_iterator(stored, error)) {
        present += entry.path().filename() == kCountFile ? 0 : 1;
    }
    if (error || present != files.size()) {
        return false;
    }
    for (const fs::path& file : files) {
        const fs::path copy = stored / file.filename();
        const bool same = fs::file_size(file, error) == fs::file_size(copy, error) &&
                          fs::last_write_time(file, error) == fs::last_write_time(copy, error);
        if (!same || error) {
            return false;
        }
    }
    return true;
}

void copy_all(const std::vector<fs::path>& files, const fs::path& to, std::size_t entries) {
    fs::remove_all(to);
    fs::create_directories(to);
    for (const fs::path& file : files) {
        const fs::path copy = to / file.filename();
        fs::copy_file(file, copy);
        fs::last_write_time(copy, fs::last_write_time(file));
    }
    std::ofstream count(to / kCountFile);
    count << entries << '\n';
    if (!count.flush()) {
        throw fs::filesystem_error("cannot write", to / kCountFile,
                                   std::make_error_code(std::errc::io_error));
    }
}

} // namespace

fs::path FeedStore::path_of(const std::string& feed) const {
    return folder_ / ("feed-" + feed); // so that no name leads out of the folder
}

std::optional<std::size_t> FeedStore::entries_of(const std::string& feed) const {
    std::size_t entries = 0;
    std::ifstream count(path_of(feed) / kCountFile);
    return !folder_.empty() && count >> entries ? std::optional(entries) : std::nullopt;
}

std::string FeedStore::save(const std::string& feed, const fs::path& source,
                            std::size_t entries) const {
    if (folder_.empty()) {
        return {};
    }
    const fs::path stored = path_of(feed);
    const fs::path fresh = folder_ / (".new-" + feed);
    const fs::path old = folder_ / (".old-" + feed);
    try {
        const std::vector<fs::path> files = files_of_feed(source);
        if (is_same(files, stored)) {
            return {};
        }
        if (fs::create_directories(folder_)) {
            fs::permissions(folder_, fs::perms::owner_all);
        }
        copy_all(files, fresh, entries);
        fs::remove_all(old);
        if (fs::exists(stored)) {
            fs::rename(stored, old);
        }
        fs::rename(fresh, stored);
        fs::remove_all(old);
        return {};
    } catch (const std::exception& error) {
        std::error_code ignored;
        if (!fs::exists(stored, ignored) && fs::exists(old, ignored)) {
            fs::rename(old, stored, ignored);
        }
        fs::remove_all(fresh, ignored);
        return stored.string() + ": the last good version could not be kept: " + error.what();
    }
}

} // namespace foregate::control
