// SPDX-License-Identifier: BSD-3-Clause
// Frames of real captures in memory, and tables under which the gateway forwards them.
#pragma once

#include "dataplane/generation.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace foregate::bench {

struct CapturedFrame {
    std::vector<std::uint8_t> bytes; ///< Ethernet, as captured
    bool up = false;                 ///< from a desktop
};

/// All captures below a folder, a frame of each in turn, so that their flows overlap as a fleet's do. The end that speaks
/// first is a desktop. Left out and counted: frames that are not IPv4 or IPv6 on Ethernet, that were cut or are longer than
/// 1514 bytes, with multicast or other addresses that are not forwarded, and those between two hosts of one side.
class CapturedFrames {
public:
    /// Throws std::runtime_error when there is not one frame of use.
    explicit CapturedFrames(const std::string& folder);

    [[nodiscard]] std::span<const CapturedFrame> frames() const noexcept { return frames_; }
    [[nodiscard]] std::size_t files() const noexcept { return files_; }
    [[nodiscard]] std::size_t left_out() const noexcept { return left_out_; }
    /// Every desktop of the captures with an open secondary, and a list of `threats` entries that is beside them.
    [[nodiscard]] std::unique_ptr<dataplane::Generation> tables(unsigned threats) const;

private:
    void read(const std::string& path, std::vector<CapturedFrame>& into);
    [[nodiscard]] bool place(std::span<const std::uint8_t> bytes, bool& up);

    std::vector<CapturedFrame> frames_;
    std::unordered_map<dataplane::IpAddress, bool, dataplane::IpAddressHash> is_desktop_; ///< false: on the other side
    std::size_t files_ = 0;
    std::size_t left_out_ = 0;
};

} // namespace foregate::bench
