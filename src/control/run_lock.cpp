// SPDX-License-Identifier: BSD-3-Clause
#include "control/run_lock.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <stdexcept>
#include <string>
#include <sys/file.h>
#include <unistd.h>

namespace foregate::control {

RunLock::RunLock(const std::filesystem::path& run_dir) {
    std::filesystem::create_directories(run_dir);
    const std::string file = run_dir / "foregate.lock";
    fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) {
        throw std::runtime_error(file + ": " + std::strerror(errno));
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        std::string owner;
        std::ifstream(file) >> owner;
        ::close(fd_);
        throw std::runtime_error(file + ": another foregate runs with this run-dir (process " + owner +
                                 "); stop it first, or give this one a run-dir of its own");
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, pid.data(), pid.size(), 0) < 0) {
        ::close(fd_);
        throw std::runtime_error(file + ": " + std::strerror(errno));
    }
}

RunLock::~RunLock() { ::close(fd_); }

} // namespace foregate::control
