// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/feed_reader.h"

#include "control/threat/feed_intake.h"
#include "control/threat/formats/feed_format.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

namespace foregate::control {

namespace {

constexpr std::uintmax_t kMaxFeedBytes = std::uintmax_t{256} << 20U;
constexpr std::size_t kMaxFeedFiles = 4096;

std::string read_whole_file(const std::filesystem::path& path) {
    // A pipe or a device could block for ever, or never end.
    std::error_code error;
    const auto type = std::filesystem::status(path, error).type();
    if (type != std::filesystem::file_type::regular &&
        type != std::filesystem::file_type::not_found) {
        throw FeedUnreadable(path.string() + ": not a regular file");
    }
    if (const auto bytes = std::filesystem::file_size(path, error);
        !error && bytes > kMaxFeedBytes) {
        throw FeedUnreadable(path.string() + ": " + std::to_string(bytes >> 20U) +
                             " MiB, more than 256");
    }
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        throw FeedUnreadable(path.string() + ": cannot open: " + std::strerror(errno));
    }
    std::string text;
    std::array<char, 65536> part;
    while (in.read(part.data(), part.size()) || in.gcount() > 0) {
        text.append(part.data(), static_cast<std::size_t>(in.gcount()));
        if (text.size() > kMaxFeedBytes) {
            throw FeedUnreadable(path.string() + ": grows above 256 MiB while it is read");
        }
    }
    if (in.bad()) {
        throw FeedUnreadable(path.string() + ": cannot read: " + std::strerror(errno));
    }
    return text;
}

/// Reads one file of a feed; a folder of several formats is "mixed".
void read_file(std::string_view text, const std::string& file, FeedIntake& intake,
               FeedReport& report) {
    intake.begin_file(file);
    const FeedHead head = FeedHead::of(text, file);
    for (const FeedFormat& format : feed_formats()) {
        if (format.recognises(head)) {
            const std::string name = format.read(head, intake);
            const bool first = report.format.empty() || report.format == "empty";
            report.format = first || name == "empty" || name == report.format
                                ? (first ? name : report.format)
                                : "mixed";
            return;
        }
    }
}

} // namespace

std::string_view unmatched_kind_name(UnmatchedKind kind) noexcept {
    switch (kind) {
    case UnmatchedKind::url:
        return "url";
    case UnmatchedKind::path:
        return "path";
    case UnmatchedKind::endpoint:
        return "endpoint";
    case UnmatchedKind::pattern:
        return "pattern";
    }
    return "unknown";
}

std::string FeedLineNote::to_string() const {
    return file + ":" + std::to_string(line) + ": " + message;
}

std::vector<std::filesystem::path> files_of_feed(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
        return {path};
    }
    std::vector<std::filesystem::path> files;
    std::filesystem::directory_iterator entries(path, error);
    if (error) {
        throw FeedUnreadable(path.string() + ": cannot list: " + error.message());
    }
    for (const auto& entry : entries) {
        if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.')) {
            files.push_back(entry.path());
        }
        if (files.size() > kMaxFeedFiles) {
            throw FeedUnreadable(path.string() + ": more than 4096 files");
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

FeedContent read_feed_text(std::string_view text, const std::string& path, const FeedRules& rules) {
    FeedContent content;
    content.report.path = path;
    content.report.format = "empty";
    FeedIntake intake(rules, content);
    read_file(text, path, intake, content.report);
    intake.finish();
    return content;
}

FeedContent read_feed(const std::filesystem::path& path, const FeedRules& rules) {
    FeedContent content;
    content.report.path = path.string();
    content.report.format = "empty";
    FeedIntake intake(rules, content);
    for (const std::filesystem::path& file : files_of_feed(path)) {
        read_file(read_whole_file(file), file.string(), intake, content.report);
    }
    intake.finish();
    return content;
}

} // namespace foregate::control
