// SPDX-License-Identifier: BSD-3-Clause
// TCP options: bounds-checked parsing of the option bytes of one header, and in-place edits that
// keep the TCP checksum right by RFC 1624. Pure; any thread; no allocation. Option kinds: RFC 9293
// (MSS), 7323 (window scale, timestamps), 2018 (SACK), 2385 (MD5), 5925 (AO), 8684 (MPTCP), 7413
// (TFO).
#pragma once

#include <cstdint>

namespace foregate::dataplane {

inline constexpr std::uint8_t kNoWindowScale = 0xff; ///< "option absent", wherever a scale is kept
inline constexpr unsigned kMaxSackBlocks = 4;        ///< more do not fit into 40 bytes of options

/// What the options of one TCP header say. Offsets count from the first byte of the TCP header;
/// offset 0 means absent.
struct TcpOptions {
    std::uint16_t mss = 0;                      ///< 0: absent
    std::uint8_t window_scale = kNoWindowScale; ///< as sent, so it may exceed 14
    bool sack_permitted = false;
    bool timestamps = false;
    std::uint32_t ts_val = 0;
    std::uint32_t ts_ecr = 0;
    std::uint8_t ts_offset = 0;   ///< of the TSval field
    std::uint8_t sack_offset = 0; ///< of the first left edge
    std::uint8_t sack_blocks = 0;
    bool md5 = false;
    bool authentication = false; ///< TCP-AO
    bool mptcp = false;
    bool fast_open = false;
    bool malformed = false; ///< a length that is impossible or reaches beyond the header
};

/// Parses the options of the TCP header at `tcp`, `header_length` bytes long (20..60, all
/// readable). On `malformed` the fields hold what stood before the damage.
[[nodiscard]] TcpOptions parse_tcp_options(const std::uint8_t* tcp,
                                           unsigned header_length) noexcept;

/// Replaces the 16 or 32 bits at `offset` of the TCP header and updates its checksum. Any
/// alignment: a field at an odd offset enters the sum with its bytes exchanged.
void replace_tcp16(std::uint8_t* tcp, unsigned offset, std::uint16_t value) noexcept;
void replace_tcp32(std::uint8_t* tcp, unsigned offset, std::uint32_t value) noexcept;

/// Adds `delta` (mod 2^32) to both edges of each SACK block found by parse_tcp_options.
void shift_sack_blocks(std::uint8_t* tcp, const TcpOptions& options, std::uint32_t delta) noexcept;

} // namespace foregate::dataplane
