// SPDX-License-Identifier: BSD-3-Clause
// The application protocols a peer offers (ALPN identifiers, RFC 7301), in the order it prefers
// them: "h2,http/1.1". From a ClientHello or from a DNS record. Fixed size, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace foregate::dataplane {

class ProtocolList {
public:
    static constexpr std::size_t kMaxBytes = 79;

    /// Identifiers joined by ','. A byte that is not printable, and a ',', became '?'.
    [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), length_}; }
    [[nodiscard]] bool empty() const noexcept { return length_ == 0; }
    [[nodiscard]] std::string_view first() const noexcept {
        return view().substr(0, view().find(','));
    }

    [[nodiscard]] bool contains(std::string_view protocol) const noexcept {
        std::string_view rest = view();
        while (!rest.empty()) {
            const std::size_t end = rest.find(',');
            if (rest.substr(0, end) == protocol) {
                return true;
            }
            rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        }
        return false;
    }

    void clear() noexcept { length_ = 0; }

    /// Appends an identifier; GREASE (RFC 8701), empty ones and what no longer fits are left out.
    void add(std::span<const std::uint8_t> id) noexcept {
        const bool grease = id.size() == 2 && id[0] == id[1] && (id[0] & 0x0fU) == 0x0aU;
        const std::size_t comma = empty() ? 0 : 1;
        if (id.empty() || grease || length_ + comma + id.size() > kMaxBytes) {
            return;
        }
        if (comma != 0) {
            text_[length_++] = ',';
        }
        for (const std::uint8_t byte : id) {
            const bool plain = byte > ' ' && byte < 0x7f && byte != ',';
            text_[length_++] = plain ? static_cast<char>(byte) : '?';
        }
    }

private:
    std::array<char, kMaxBytes> text_;
    std::uint8_t length_ = 0;
};

} // namespace foregate::dataplane
