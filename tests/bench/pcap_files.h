// SPDX-License-Identifier: BSD-3-Clause
// The traffic of two net_pcap ports as files of a temporary folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace foregate::bench {

/// One frame of each flow for each port, each file in a random order of its own. The files go with the object.
class PcapFiles {
public:
    /// Throws std::runtime_error when the files cannot be written.
    explicit PcapFiles(std::uint32_t flows);
    ~PcapFiles();
    PcapFiles(const PcapFiles&) = delete;
    PcapFiles& operator=(const PcapFiles&) = delete;

    /// vdev strings of the desktop and the upstream port, for this or another process.
    [[nodiscard]] const std::vector<std::string>& devices() const noexcept { return devices_; }

private:
    std::filesystem::path folder_;
    std::vector<std::string> devices_;
};

} // namespace foregate::bench
