// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/dns_name.h"

namespace foregate::dataplane {

namespace {

constexpr int kMaxPointers = 32;
constexpr std::size_t kMaxWireName = 255;

/// Walks the labels of a name and calls `label(bytes)` for each. `at` moves behind the name as it
/// stands in the message. Pointers must lead backwards, so every walk ends.
template <typename OnLabel>
bool walk_name(std::span<const std::uint8_t> message, std::size_t& at, bool pointers_allowed,
               OnLabel&& label) noexcept {
    std::size_t here = at;
    std::size_t wire_bytes = 1;
    int pointers = 0;
    while (here < message.size()) {
        const std::uint8_t length = message[here];
        if ((length & 0xc0U) == 0xc0U) {
            if (!pointers_allowed || here + 1 >= message.size() || ++pointers > kMaxPointers) {
                return false;
            }
            const std::size_t target = dns_load16(message, here) & 0x3fffU;
            if (pointers == 1) {
                at = here + 2;
            }
            if (target >= here) {
                return false;
            }
            here = target;
            continue;
        }
        if ((length & 0xc0U) != 0) {
            return false; // extended label types (RFC 6891 retired them)
        }
        if (length == 0) {
            if (pointers == 0) {
                at = here + 1;
            }
            return true;
        }
        wire_bytes += length + 1U;
        if (wire_bytes > kMaxWireName || here + 1 + length > message.size()) {
            return false;
        }
        label(message.subspan(here + 1, length));
        here += 1U + length;
    }
    return false;
}

} // namespace

bool read_dns_name(std::span<const std::uint8_t> message, std::size_t& at, bool pointers_allowed,
                   NameBuffer& out) noexcept {
    out.clear();
    return walk_name(message, at, pointers_allowed, [&out](std::span<const std::uint8_t> label) {
        if (out.length != 0) {
            out.text[out.length++] = '.';
        }
        for (const std::uint8_t byte : label) {
            const char c = name_byte(byte);
            out.odd = out.odd || c == '?';
            out.text[out.length++] = c;
        }
    });
}

bool hash_dns_name(std::span<const std::uint8_t> message, std::size_t& at,
                   std::uint64_t& hash) noexcept {
    std::uint64_t h = 0xcbf29ce484222325ULL;
    const auto mix = [&h](std::uint8_t byte) { h = (h ^ byte) * 0x100000001b3ULL; };
    const bool ok = walk_name(message, at, true, [&mix](std::span<const std::uint8_t> label) {
        mix(static_cast<std::uint8_t>(label.size()));
        for (const std::uint8_t byte : label) {
            mix(byte >= 'A' && byte <= 'Z' ? static_cast<std::uint8_t>(byte + 32) : byte);
        }
    });
    hash = h;
    return ok;
}

} // namespace foregate::dataplane
