// SPDX-License-Identifier: BSD-3-Clause
#include "control/telemetry/pseudonym.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <stdexcept>
#include <sys/random.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace foregate::control {
namespace {

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what) {
    throw std::runtime_error(file.string() + ": pseudonym key: " + what);
}

SipKey read_key(int fd, const std::filesystem::path& file) {
    struct stat status {};
    SipKey key{};
    const bool good = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                      status.st_size == 16 &&
                      ::read(fd, key.data(), key.size()) == static_cast<ssize_t>(key.size());
    ::close(fd);
    if (!good) {
        fail(file, "expected a file of 16 bytes");
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        fail(file, "open to others than its owner (chmod 600)");
    }
    return key;
}

} // namespace

SipKey load_or_create_key(const std::filesystem::path& file) {
    int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        return read_key(fd, file);
    }
    if (errno != ENOENT) {
        fail(file, std::generic_category().message(errno));
    }
    SipKey key{};
    if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
        fail(file, "no random numbers");
    }
    // Written aside and renamed: a process killed here leaves no half a key.
    const std::filesystem::path aside = file.string() + ".new";
    ::unlink(aside.c_str());
    fd = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        fail(file, std::generic_category().message(errno));
    }
    const bool written =
        ::write(fd, key.data(), key.size()) == static_cast<ssize_t>(key.size()) && ::fsync(fd) == 0;
    ::close(fd);
    if (!written || ::rename(aside.c_str(), file.c_str()) != 0) {
        fail(file, "cannot be written");
    }
    return key;
}

std::string Pseudonyms::of_name(std::string_view name) const {
    char text[24];
    const std::uint64_t hash = siphash24(key_, std::string("name\n") += name);
    std::snprintf(text, sizeof text, "d-%016llx", static_cast<unsigned long long>(hash));
    return text;
}

std::string Pseudonyms::of_address(std::string_view address) const {
    const std::uint64_t hash = siphash24(key_, std::string("address\n") += address);
    char text[48];
    std::snprintf(text, sizeof text, "fd66:6f72:6567:0:%x:%x:%x:%x",
                  static_cast<unsigned>(hash >> 48 & 0xffff),
                  static_cast<unsigned>(hash >> 32 & 0xffff),
                  static_cast<unsigned>(hash >> 16 & 0xffff), static_cast<unsigned>(hash & 0xffff));
    return text;
}

} // namespace foregate::control
