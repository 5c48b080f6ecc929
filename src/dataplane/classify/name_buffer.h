// SPDX-License-Identifier: BSD-3-Clause
// A host name as it was seen in a packet, made comparable: what every payload parser hands out and
// what the name matcher takes. Fixed size, no allocation, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace foregate::dataplane {

/// Longest host name in text form (RFC 1035, 255 bytes on the wire).
inline constexpr std::size_t kMaxNameLength = 253;

/// Lower-case ASCII, dots between labels, no trailing dot. A byte that cannot stand in a host name
/// (anything but a-z 0-9 _ - .) became '?' and sets `odd`: such a name can still match a listed
/// suffix, and can never break the record of a burst that is scanned together.
struct NameBuffer {
    char text[256];
    std::uint8_t length = 0;
    bool odd = false; ///< a byte was replaced, or the name was too long and only its end was kept

    [[nodiscard]] std::string_view view() const noexcept { return {text, length}; }
    [[nodiscard]] bool empty() const noexcept { return length == 0; }
    void clear() noexcept {
        length = 0;
        odd = false;
    }
};

/// Fills `out` from raw text: folds case, strips trailing dots, replaces odd bytes. Of a name
/// longer than kMaxNameLength the end is kept, because the end is what lists are compared with.
void assign_name(std::span<const std::uint8_t> raw, NameBuffer& out) noexcept;

/// The byte a label's byte becomes in a NameBuffer; '?' when it cannot stand in a host name.
[[nodiscard]] char name_byte(std::uint8_t raw) noexcept;

} // namespace foregate::dataplane
