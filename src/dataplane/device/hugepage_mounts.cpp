// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/device/hugepage_mounts.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <sys/vfs.h>
#include <system_error>
#include <unistd.h>

namespace foregate::dataplane {

namespace {

std::vector<std::filesystem::path> mounts_here() {
    std::ifstream file("/proc/self/mounts");
    std::ostringstream text;
    text << file.rdbuf();
    return hugepage_mounts(text.str());
}

/// Blanks and backslashes stand as octal numbers in that file.
std::string unescaped(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
        if (text[i] == '\\' && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
            out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::uint64_t free_bytes(std::uint64_t page_bytes) {
    std::ifstream file("/sys/kernel/mm/hugepages/hugepages-" + std::to_string(page_bytes >> 10) + "kB/free_hugepages");
    std::uint64_t count = 0;
    file >> count;
    return count * page_bytes;
}

} // namespace

std::vector<std::filesystem::path> hugepage_mounts(std::string_view mounts) {
    std::vector<std::filesystem::path> found;
    std::istringstream lines{std::string(mounts)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string device;
        std::string where;
        std::string type;
        if (words >> device >> where >> type && type == "hugetlbfs") {
            found.emplace_back(unescaped(where));
        }
    }
    return found;
}

bool can_share_hugepages(std::uint64_t bytes) {
    const auto mounts = mounts_here();
    return std::any_of(mounts.begin(), mounts.end(), [bytes](const std::filesystem::path& mount) {
        struct statfs about {};
        return ::statfs(mount.c_str(), &about) == 0 && ::access(mount.c_str(), W_OK) == 0 &&
               free_bytes(static_cast<std::uint64_t>(about.f_bsize)) >= bytes;
    });
}

unsigned release_stale_hugepages(const std::string& file_prefix) {
    unsigned removed = 0;
    for (const std::filesystem::path& mount : mounts_here()) {
        std::error_code error;
        for (std::filesystem::directory_iterator at(mount, error), end; !error && at != end; at.increment(error)) {
            const bool ours = at->path().filename().string().starts_with(file_prefix + "map_");
            removed += ours && ::unlink(at->path().c_str()) == 0 ? 1U : 0U;
        }
    }
    return removed;
}

} // namespace foregate::dataplane
