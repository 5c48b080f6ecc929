// SPDX-License-Identifier: BSD-3-Clause
#include "control/capture/capture_files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace foregate::control {

namespace {

constexpr std::size_t kBuffer = 256 * 1024;
constexpr std::string_view kEnding = ".pcapng";

std::string system_name() {
    utsname name{};
    return ::uname(&name) == 0 ? std::string(name.sysname) + " " + name.release : "";
}

void make_folder(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder.parent_path(), error);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        throw std::runtime_error(folder.string() + ": " + std::strerror(errno));
    }
}

} // namespace

CaptureFiles::CaptureFiles(CaptureFileSettings settings) : settings_(std::move(settings)) {
    make_folder(settings_.folder);
    open_next();
}

CaptureFiles::~CaptureFiles() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

void CaptureFiles::open_next() {
    std::string name = settings_.name;
    if (settings_.files > 1) {
        char number[16];
        std::snprintf(number, sizeof number, "-%04u", begun_ + 1);
        name += number;
    }
    const std::filesystem::path path = settings_.folder / (name + std::string(kEnding));
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        throw std::runtime_error(path.string() + ": " +
                                 (errno == EEXIST ? "is there already; give the capture another name" : std::strerror(errno)));
    }
    if (fd_ >= 0) {
        ::close(fd_);
    }
    fd_ = fd;
    path_ = path;
    ++begun_;
    kept_.push_back(path);
    if (kept_.size() > settings_.files) {
        ::unlink(kept_.front().c_str());
        kept_.erase(kept_.begin());
    }
    append_section(buffer_, "foregate " FOREGATE_VERSION, system_name(), settings_.comment);
    for (const CaptureInterface& interface : settings_.interfaces) {
        append_interface(buffer_, interface.name, interface.description, settings_.filter, settings_.snap_bytes);
    }
    in_file_ = buffer_.size();
    total_ += buffer_.size();
}

bool CaptureFiles::write_out() {
    std::size_t at = 0;
    while (at < buffer_.size()) {
        const ssize_t written = ::write(fd_, buffer_.data() + at, buffer_.size() - at);
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            error_ = path_.string() + ": " + std::strerror(errno);
            buffer_.clear();
            return false;
        }
        at += static_cast<std::size_t>(written);
    }
    buffer_.clear();
    return true;
}

bool CaptureFiles::flush() { return error_.empty() && write_out(); }

CaptureFiles::Added CaptureFiles::add(std::uint32_t interface, std::uint64_t time_ns, PacketDirection direction,
                                      std::uint32_t length, std::span<const std::uint8_t> kept) {
    if (!error_.empty()) {
        return Added::failed;
    }
    const std::size_t block = packet_block_bytes(kept.size());
    if (in_file_ + block > settings_.size_bytes) {
        if (settings_.files < 2) {
            return Added::full;
        }
        if (!write_out()) {
            return Added::failed;
        }
        try {
            open_next();
        } catch (const std::runtime_error& problem) {
            error_ = problem.what();
            return Added::failed;
        }
    }
    append_packet(buffer_, interface, time_ns, direction, length, kept);
    in_file_ += block;
    total_ += block;
    return buffer_.size() < kBuffer || write_out() ? Added::yes : Added::failed;
}

bool CaptureFiles::finish(std::span<const Statistics> by_interface, std::uint64_t time_ns) {
    if (!error_.empty()) {
        return false;
    }
    const std::size_t before = buffer_.size();
    for (std::uint32_t i = 0; i < by_interface.size(); ++i) {
        append_statistics(buffer_, i, time_ns, by_interface[i].received, by_interface[i].dropped);
    }
    total_ += buffer_.size() - before;
    return write_out();
}

std::vector<std::string> remove_old_captures(const std::filesystem::path& folder, std::chrono::seconds keep,
                                             std::chrono::system_clock::time_point now, const std::string& spared) {
    std::vector<std::string> removed;
    if (keep.count() == 0) {
        return removed;
    }
    const std::time_t limit = std::chrono::system_clock::to_time_t(now - keep);
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        struct stat status {};
        const bool ours = name.ends_with(kEnding) && ::lstat(at->path().c_str(), &status) == 0 && S_ISREG(status.st_mode);
        if (ours && status.st_mtime < limit && (spared.empty() || !name.starts_with(spared)) &&
            ::unlink(at->path().c_str()) == 0) {
            removed.push_back(name);
        }
    }
    return removed;
}

} // namespace foregate::control
