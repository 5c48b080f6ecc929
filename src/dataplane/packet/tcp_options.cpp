// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/tcp_options.h"

#include "dataplane/packet/checksum.h"

namespace foregate::dataplane {

namespace {

enum Kind : std::uint8_t {
    kind_end = 0,
    kind_nop = 1,
    kind_mss = 2,
    kind_window_scale = 3,
    kind_sack_permitted = 4,
    kind_sack = 5,
    kind_timestamps = 8,
    kind_md5 = 19,
    kind_ao = 29,
    kind_mptcp = 30,
    kind_fast_open = 34,
    kind_experiment = 254,
};

constexpr unsigned kFixedHeader = 20;
constexpr unsigned kChecksumOffset = 16;
constexpr std::uint16_t kFastOpenExperiment = 0xf989; // RFC 7413 appendix A

/// Reads the option of `kind` whose `length` bytes start at `at`; false: impossible length.
bool read_option(const std::uint8_t* tcp, unsigned at, std::uint8_t kind, unsigned length,
                 TcpOptions& out) noexcept {
    const std::uint8_t* value = tcp + at + 2;
    switch (kind) {
    case kind_mss:
        out.mss = length == 4 ? load_be16(value) : out.mss;
        return length == 4;
    case kind_window_scale:
        out.window_scale = length == 3 ? *value : out.window_scale;
        return length == 3;
    case kind_sack_permitted:
        out.sack_permitted = out.sack_permitted || length == 2;
        return length == 2;
    case kind_timestamps:
        if (length != 10 || out.timestamps) {
            return false; // twice: only one of them could be translated
        }
        out.timestamps = true;
        out.ts_val = load_be32(value);
        out.ts_ecr = load_be32(value + 4);
        out.ts_offset = static_cast<std::uint8_t>(at + 2);
        return true;
    case kind_sack:
        if (length < 10 || (length - 2) % 8 != 0 || out.sack_blocks != 0) {
            return false;
        }
        out.sack_offset = static_cast<std::uint8_t>(at + 2);
        out.sack_blocks = static_cast<std::uint8_t>((length - 2) / 8);
        return true;
    case kind_md5:
        out.md5 = true;
        return length == 18;
    case kind_ao:
        out.authentication = true;
        return length >= 4;
    case kind_mptcp:
        out.mptcp = true;
        return length >= 3;
    case kind_fast_open:
        out.fast_open = true;
        return true;
    case kind_experiment:
        out.fast_open = out.fast_open || (length >= 4 && load_be16(value) == kFastOpenExperiment);
        return true;
    default:
        return true;
    }
}

std::uint16_t swap16(std::uint16_t v) noexcept {
    return static_cast<std::uint16_t>(v << 8 | v >> 8);
}

} // namespace

TcpOptions parse_tcp_options(const std::uint8_t* tcp, unsigned header_length) noexcept {
    TcpOptions out;
    unsigned at = kFixedHeader;
    while (at < header_length) {
        const std::uint8_t kind = tcp[at];
        if (kind == kind_end) {
            return out;
        }
        if (kind == kind_nop) {
            ++at;
            continue;
        }
        const unsigned length = at + 1 < header_length ? tcp[at + 1] : 0;
        if (length < 2 || at + length > header_length || !read_option(tcp, at, kind, length, out)) {
            out.malformed = true;
            return out;
        }
        at += length;
    }
    return out;
}

void replace_tcp16(std::uint8_t* tcp, unsigned offset, std::uint16_t value) noexcept {
    std::uint16_t before = load_be16(tcp + offset);
    store_be16(tcp + offset, value);
    if (offset % 2 != 0) {
        before = swap16(before);
        value = swap16(value);
    }
    store_be16(tcp + kChecksumOffset,
               checksum_update16(load_be16(tcp + kChecksumOffset), before, value));
}

void replace_tcp32(std::uint8_t* tcp, unsigned offset, std::uint32_t value) noexcept {
    replace_tcp16(tcp, offset, static_cast<std::uint16_t>(value >> 16));
    replace_tcp16(tcp, offset + 2, static_cast<std::uint16_t>(value));
}

void shift_sack_blocks(std::uint8_t* tcp, const TcpOptions& options, std::uint32_t delta) noexcept {
    for (unsigned edge = 0; edge < options.sack_blocks * 2U; ++edge) {
        const unsigned at = options.sack_offset + edge * 4;
        replace_tcp32(tcp, at, load_be32(tcp + at) + delta);
    }
}

} // namespace foregate::dataplane
