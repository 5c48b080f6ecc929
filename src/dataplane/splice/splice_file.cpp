// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/splice/splice_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <new>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::uint32_t kLayout = 1; ///< changes with SpliceRecord and Header
constexpr char kMagic[8] = {'f', 'g', 's', 'p', 'l', 'i', 'c', 'e'};
constexpr std::uint64_t kMostRecords = std::uint64_t{1} << 24;

struct Header {
    char magic[8];
    std::uint32_t layout;
    std::uint32_t record_bytes;
    std::uint64_t records;
    char boot[40]; ///< of the kernel; zero-terminated
};
static_assert(sizeof(Header) <= kPage);

class Descriptor {
public:
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

std::string boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    file >> id;
    return id.substr(0, sizeof(Header::boot) - 1);
}

Header header_now(std::uint64_t records) {
    Header header{};
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    header.layout = kLayout;
    header.record_bytes = sizeof(SpliceRecord);
    header.records = records;
    const std::string boot = boot_id();
    std::memcpy(header.boot, boot.data(), boot.size());
    return header;
}

bool read_all(int fd, void* into, std::size_t bytes, std::size_t from) {
    auto* at = static_cast<char*>(into);
    while (bytes != 0) {
        const ssize_t got = ::pread(fd, at, bytes, static_cast<off_t>(from));
        if (got <= 0) {
            return false;
        }
        at += got;
        from += static_cast<std::size_t>(got);
        bytes -= static_cast<std::size_t>(got);
    }
    return true;
}

std::string why_not_trusted(int fd, struct stat& status) {
    if (::fstat(fd, &status) != 0) {
        return std::strerror(errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return "not a regular file";
    }
    if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) {
        return "not this user's alone";
    }
    return {};
}

std::string why_not_readable(const Header& header, std::size_t bytes) {
    const Header expected = header_now(header.records);
    if (std::memcmp(header.magic, expected.magic, sizeof header.magic) != 0) {
        return "not such a file";
    }
    if (header.layout != expected.layout || header.record_bytes != expected.record_bytes) {
        return "of another version";
    }
    if (std::memcmp(header.boot, expected.boot, sizeof header.boot) != 0) {
        return "of before the machine's start";
    }
    if (header.records > kMostRecords || bytes != kPage + header.records * sizeof(SpliceRecord)) {
        return "of the wrong length";
    }
    return {};
}

} // namespace

SpliceFile::SpliceFile(std::string path, unsigned workers, std::uint32_t records)
    : path_(std::move(path)), new_path_(path_ + ".new"), workers_(workers), records_(records) {
    read_old();
    make_new();
}

SpliceFile::~SpliceFile() {
    ::munmap(memory_, bytes_);
}

void SpliceFile::read_old() {
    const Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file.get() < 0) {
        why_not_ = errno == ENOENT ? std::string() : std::string(std::strerror(errno));
        return;
    }
    struct stat status {};
    why_not_ = why_not_trusted(file.get(), status);
    Header header{};
    if (why_not_.empty() && !read_all(file.get(), &header, sizeof header, 0)) {
        why_not_ = "too short";
    }
    if (why_not_.empty()) {
        why_not_ = why_not_readable(header, static_cast<std::size_t>(status.st_size));
    }
    if (!why_not_.empty()) {
        return;
    }
    constexpr std::size_t kAtOnce = 1024;
    std::vector<SpliceRecord> part(kAtOnce);
    for (std::uint64_t first = 0; first < header.records; first += kAtOnce) {
        const std::size_t count =
            static_cast<std::size_t>(std::min<std::uint64_t>(kAtOnce, header.records - first));
        if (!read_all(file.get(), part.data(), count * sizeof(SpliceRecord),
                      kPage + first * sizeof(SpliceRecord))) {
            why_not_ = "too short";
            return;
        }
        for (std::size_t i = 0; i < count; ++i) {
            if (usable(part[i])) {
                left_behind_.push_back(part[i]);
            }
        }
    }
}

void SpliceFile::make_new() {
    const auto refuse = [this](const char* what) {
        throw std::runtime_error(new_path_ + ": " + what + ": " + std::strerror(errno));
    };
    ::unlink(new_path_.c_str());
    const Descriptor file(
        ::open(new_path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0) {
        refuse("cannot be made");
    }
    const std::uint64_t records = std::uint64_t{workers_} * records_;
    bytes_ = kPage + static_cast<std::size_t>(records) * sizeof(SpliceRecord);
    // All of it now: a page that could not be had later would end the process.
    if (const int error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes_));
        error != 0) {
        errno = error;
        refuse("no room");
    }
    memory_ =
        ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file.get(), 0);
    if (memory_ == MAP_FAILED) {
        memory_ = nullptr;
        refuse("cannot be mapped");
    }
    const Header header = header_now(records);
    std::memcpy(memory_, &header, sizeof header);
}

std::span<SpliceRecord> SpliceFile::region(unsigned worker) noexcept {
    auto* first = static_cast<char*>(memory_) + kPage;
    auto* records = std::launder(reinterpret_cast<SpliceRecord*>(first));
    return {records + std::size_t{worker} * records_, records_};
}

void SpliceFile::replace() {
    if (::rename(new_path_.c_str(), path_.c_str()) != 0) {
        throw std::runtime_error(path_ + ": cannot be replaced: " + std::strerror(errno));
    }
    left_behind_.clear();
    left_behind_.shrink_to_fit();
}

} // namespace foregate::dataplane
