// SPDX-License-Identifier: BSD-3-Clause
// Fixed pool of buffers for what servers say before the desktop asks (SMTP, SSH, MySQL, ...
// greetings). Owned by one worker; all memory is taken at construction.
#pragma once

#include "dataplane/splice/slot_index.h"

#include <cstdint>
#include <vector>

namespace foregate::dataplane {

class BannerPool {
public:
    BannerPool(std::uint32_t buffers, std::uint32_t bytes_each)
        : bytes_each_(bytes_each), memory_(static_cast<std::size_t>(buffers) * bytes_each) {
        free_.reserve(buffers);
        for (std::uint32_t i = buffers; i-- > 0;) {
            free_.push_back(i);
        }
    }

    /// Number of a buffer of bytes_each() bytes, kNoSlot when all are in use.
    [[nodiscard]] std::uint32_t take() noexcept {
        if (free_.empty()) {
            return kNoSlot;
        }
        const std::uint32_t buffer = free_.back();
        free_.pop_back();
        return buffer;
    }
    void give_back(std::uint32_t buffer) noexcept { free_.push_back(buffer); }
    [[nodiscard]] std::uint8_t* bytes(std::uint32_t buffer) noexcept {
        return memory_.data() + static_cast<std::size_t>(buffer) * bytes_each_;
    }
    [[nodiscard]] std::uint32_t bytes_each() const noexcept { return bytes_each_; }
    [[nodiscard]] std::size_t free_buffers() const noexcept { return free_.size(); }

private:
    std::uint32_t bytes_each_;
    std::vector<std::uint8_t> memory_;
    std::vector<std::uint32_t> free_;
};

} // namespace foregate::dataplane
