// SPDX-License-Identifier: BSD-3-Clause
// The files of one capture: pcapng, mode 0600, in the folder for captures; one file up to its size, or a ring of them.
#pragma once

#include "control/capture/pcapng.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace foregate::control {

struct CaptureInterface {
    std::string name;        ///< of the gateway's port
    std::string description; ///< its device
};

struct CaptureFileSettings {
    std::filesystem::path folder;  ///< made with mode 0700 where it is missing
    std::string name;              ///< without ending
    std::uint64_t size_bytes = 0;  ///< most of one file
    unsigned files = 1;            ///< above 1: a ring, NAME-0001.pcapng and so on; the oldest goes
    std::string filter;
    std::string comment;
    std::uint32_t snap_bytes = 0;
    std::vector<CaptureInterface> interfaces;
};

/// Used by one thread at a time. A file that is there already is never written to.
class CaptureFiles {
public:
    /// Opens the first file. Throws std::runtime_error naming it.
    explicit CaptureFiles(CaptureFileSettings settings);
    ~CaptureFiles();
    CaptureFiles(const CaptureFiles&) = delete;
    CaptureFiles& operator=(const CaptureFiles&) = delete;

    enum class Added : std::uint8_t { yes, full, failed };
    /// `full`: the size is used up (never with a ring). `failed`: see error(). Then nothing was added.
    [[nodiscard]] Added add(std::uint32_t interface, std::uint64_t time_ns, PacketDirection direction,
                            std::uint32_t length, std::span<const std::uint8_t> kept);
    /// Bytes so far to the disk, so that a reader sees them. False: see error().
    bool flush();
    /// Ends the file with statistics by interface (they may be empty).
    struct Statistics {
        std::uint64_t received = 0;
        std::uint64_t dropped = 0;
    };
    bool finish(std::span<const Statistics> by_interface, std::uint64_t time_ns);

    [[nodiscard]] std::uint64_t bytes() const noexcept { return total_; } ///< of all files, also of those that went
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] unsigned begun() const noexcept { return begun_; }
    [[nodiscard]] const std::string& error() const noexcept { return error_; }

private:
    void open_next();
    bool write_out();

    const CaptureFileSettings settings_;
    std::filesystem::path path_;
    std::vector<std::filesystem::path> kept_;
    int fd_ = -1;
    unsigned begun_ = 0;
    std::uint64_t in_file_ = 0; ///< with what still waits in the buffer
    std::uint64_t total_ = 0;
    PcapngBytes buffer_;
    std::string error_;
};

/// Removes captures (*.pcapng) older than `keep` from `folder`, but for `spared`; returns their names. A folder that is not
/// there has none. Never throws.
std::vector<std::string> remove_old_captures(const std::filesystem::path& folder, std::chrono::seconds keep,
                                             std::chrono::system_clock::time_point now, const std::string& spared);

} // namespace foregate::control
