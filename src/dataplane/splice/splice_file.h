// SPDX-License-Identifier: BSD-3-Clause
// The file in which splices outlive the process: a page that says what it is, then a region of
// SpliceRecords for each worker. Mapped, so that a worker writes by plain stores; meant for a file
// system in memory. What is trusted: a regular file of this user's that nobody else could write
// (mode 0600), of this boot, of this layout. Anything else is left aside, and `why_not()` says why.
// Start only; throws std::runtime_error when the new file cannot be made. One thread; regions are
// the workers'.
#pragma once

#include "dataplane/splice/splice_record.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace foregate::dataplane {

class SpliceFile {
public:
    /// Reads what is at `path`, and makes a new file of `workers` regions of `records` each under a
    /// name beside it.
    SpliceFile(std::string path, unsigned workers, std::uint32_t records);
    ~SpliceFile();
    SpliceFile(const SpliceFile&) = delete;
    SpliceFile& operator=(const SpliceFile&) = delete;

    /// The usable records of the process before. Empty after replace().
    [[nodiscard]] std::span<const SpliceRecord> left_behind() const noexcept {
        return left_behind_;
    }
    /// Why the file that was there could not be used; empty when it could, or when there was none.
    [[nodiscard]] const std::string& why_not() const noexcept { return why_not_; }
    [[nodiscard]] std::span<SpliceRecord> region(unsigned worker) noexcept;
    /// The new file takes the old one's place: everything that goes on is in it by now.
    void replace();

private:
    void read_old();
    void make_new();

    std::string path_;
    std::string new_path_;
    unsigned workers_;
    std::uint32_t records_;
    std::vector<SpliceRecord> left_behind_;
    std::string why_not_;
    void* memory_ = nullptr;
    std::size_t bytes_ = 0;
};

} // namespace foregate::dataplane
