// SPDX-License-Identifier: BSD-3-Clause
// One gateway per run directory: a second one must not touch the ports of the first.
#pragma once

#include <filesystem>

namespace foregate::control {

/// Held as long as it lives, and gone with the process, also after kill -9. Throws std::runtime_error naming the file
/// and the process that has it.
class RunLock {
public:
    explicit RunLock(const std::filesystem::path& run_dir);
    ~RunLock();
    RunLock(const RunLock&) = delete;
    RunLock& operator=(const RunLock&) = delete;

private:
    int fd_ = -1;
};

} // namespace foregate::control
