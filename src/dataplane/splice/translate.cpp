// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/splice/translate.h"

namespace foregate::dataplane {

namespace {

constexpr unsigned kSeq = 4;
constexpr unsigned kAck = 8;
constexpr std::uint32_t kAlignedTimestamps = 0x0101080a; ///< nop, nop, kind 8, length 10

constexpr std::uint32_t kFloorDistance = 1U << 29;

/// Options that have to be looked at; the layout of nearly every segment with timestamps is known
/// without a walk.
bool options_of(const std::uint8_t* tcp, unsigned header, const SpliceTerms& terms,
                TcpOptions& out) noexcept {
    if (header == 20 || (!terms.timestamps && !terms.sack)) {
        return true;
    }
    if (header == 32 && load_be32(tcp + 20) == kAlignedTimestamps) {
        out.timestamps = true;
        out.ts_val = load_be32(tcp + 24);
        out.ts_ecr = load_be32(tcp + 28);
        out.ts_offset = 24;
        return true;
    }
    out = parse_tcp_options(tcp, header);
    return !out.malformed;
}

bool moved(const SpliceTerms& terms) noexcept {
    return (terms.server_delta | terms.server_ts_delta) != 0;
}

/// What the desktop says of the server's numbers.
void shift_echoes(std::uint8_t* tcp, const TcpOptions& options, const SpliceTerms& terms) noexcept {
    if ((tcp[13] & tcp_ack) == 0) {
        return;
    }
    replace_tcp32(tcp, kAck, load_be32(tcp + kAck) + terms.server_delta);
    shift_sack_blocks(tcp, options, terms.server_delta);
    if (terms.timestamps && options.timestamps) {
        replace_tcp32(tcp, options.ts_offset + 4U, options.ts_ecr + terms.server_ts_delta);
    }
}

} // namespace

bool translate_to_server(std::uint8_t* tcp, unsigned header, const SpliceTerms& terms,
                         std::uint32_t& ts_val) noexcept {
    TcpOptions options;
    if (!options_of(tcp, header, terms, options)) {
        return false;
    }
    replace_tcp16(tcp, 0, terms.held_port);
    replace_tcp32(tcp, kSeq, load_be32(tcp + kSeq) + terms.seq_delta);
    if (terms.timestamps && options.timestamps) {
        ts_val = options.ts_val;
        replace_tcp32(tcp, options.ts_offset, options.ts_val + terms.ts_delta);
    }
    if (moved(terms)) [[unlikely]] {
        shift_echoes(tcp, options, terms);
    }
    return true;
}

bool translate_to_desktop(std::uint8_t* tcp, unsigned header, SpliceTerms& terms,
                          std::uint32_t& ts_val) noexcept {
    TcpOptions options;
    if (!options_of(tcp, header, terms, options)) {
        return false;
    }
    replace_tcp16(tcp, 2, terms.desktop_port);
    if ((tcp[13] & tcp_ack) != 0) {
        replace_tcp32(tcp, kAck, load_be32(tcp + kAck) - terms.seq_delta);
        shift_sack_blocks(tcp, options, 0U - terms.seq_delta);
    }
    if (terms.timestamps && options.timestamps) {
        ts_val = options.ts_val;
        if ((tcp[13] & tcp_ack) != 0) {
            std::uint32_t echo = options.ts_ecr - terms.ts_delta;
            if (seq_before(echo, terms.ts_floor)) {
                echo = terms.ts_floor; // echoes what we sent before the desktop came
            } else if (echo - terms.ts_floor > 2 * kFloorDistance) {
                terms.ts_floor = echo - kFloorDistance;
            }
            replace_tcp32(tcp, options.ts_offset + 4U, echo);
        }
    }
    if (moved(terms)) [[unlikely]] {
        replace_tcp32(tcp, kSeq, load_be32(tcp + kSeq) - terms.server_delta);
        if (terms.timestamps && options.timestamps) {
            replace_tcp32(tcp, options.ts_offset, options.ts_val - terms.server_ts_delta);
        }
    }
    return true;
}

SegmentFacts segment_facts(const std::uint8_t* tcp, const ParsedPacket& packet) noexcept {
    SegmentFacts f;
    f.seq = load_be32(tcp + kSeq);
    f.ack = load_be32(tcp + kAck);
    f.flags = tcp[13];
    f.window = load_be16(tcp + 14);
    f.length = packet.payload_length;
    f.length += (f.flags & tcp_syn) != 0 ? 1U : 0U;
    f.length += (f.flags & tcp_fin) != 0 ? 1U : 0U;
    return f;
}

} // namespace foregate::dataplane
