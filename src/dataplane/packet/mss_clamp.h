// SPDX-License-Identifier: BSD-3-Clause
// The MSS that a SYN offers, made small enough for a link on the way (RFC 4459 3.2 and every router with a tunnel).
#pragma once

#include "dataplane/packet/parse.h"
#include "dataplane/packet/tcp_options.h"

#include <cstdint>

namespace foregate::dataplane {

/// Lowers the MSS option of the TCP header at `tcp` to `most`, with its checksum. A SYN without one offers the default,
/// which fits everywhere, and stays. `header_length` bytes are there. True when something was changed. Bounded.
inline bool clamp_mss(std::uint8_t* tcp, unsigned header_length, std::uint16_t most) noexcept {
    for (unsigned at = 20; at + 1 < header_length;) {
        const std::uint8_t kind = tcp[at];
        if (kind == 0) {
            return false;
        }
        if (kind == 1) {
            ++at;
            continue;
        }
        const unsigned length = tcp[at + 1];
        if (length < 2 || at + length > header_length) {
            return false;
        }
        if (kind == 2 && length == 4) {
            if (load_be16(tcp + at + 2) <= most) {
                return false;
            }
            replace_tcp16(tcp, at + 2, most);
            return true;
        }
        at += length;
    }
    return false;
}

} // namespace foregate::dataplane
