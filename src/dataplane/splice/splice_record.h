// SPDX-License-Identifier: BSD-3-Clause
// What the next process must know of a connection that this one holds or splices: one record of a
// cache line, in memory that outlives the process (splice_file.h). Written by plain stores of one
// worker, when a connection is established, spliced or gone, never for a packet. Pure; no
// ownership.
#pragma once

#include "dataplane/splice/source_ports.h"
#include "dataplane/splice/translate.h"

#include <cstdint>

namespace foregate::dataplane {

enum class RecordKind : std::uint8_t {
    none,      ///< empty, or being written
    held,      ///< nobody's yet: the server is told that it is gone
    replaying, ///< spliced, but the desktop has not all of the greeting, which is gone: both ends
               ///< are told
    spliced,   ///< goes on
};

/// Its layout is part of the file's version. Everything is in host order.
struct SpliceRecord {
    IpAddress source{}; ///< the desktop
    IpAddress server{};
    std::uint32_t seq_delta = 0; ///< `held`: the sequence number that the server expects
    std::uint32_t ts_delta = 0;
    std::uint32_t server_delta = 0;
    std::uint32_t server_ts_delta = 0;
    std::uint16_t held_port = 0;
    std::uint16_t desktop_port = 0;
    std::uint16_t server_port = 0;
    std::uint8_t options = 0;    ///< bit 0: timestamps, bit 1: SACK
    std::uint8_t server_ttl = 0; ///< for segments in the server's name
    std::uint32_t check = 0;     ///< over all of the above and the kind
    RecordKind kind = RecordKind::none;
    std::uint8_t unused[3] = {};
};
static_assert(sizeof(SpliceRecord) == 64);

/// Writes `content` as `kind` to `at`. Whatever instruction the process ends at, `at` is either the
/// old record, empty, or the new one.
void write_record(SpliceRecord& at, const SpliceRecord& content, RecordKind kind) noexcept;
void clear_record(SpliceRecord& at) noexcept;

/// Whether a record that another process left can be used: whole, and possible.
[[nodiscard]] bool usable(const SpliceRecord& record) noexcept;

/// A record of these terms, and back.
[[nodiscard]] SpliceRecord record_of(const HeldTuple& tuple, const SpliceTerms& terms,
                                     std::uint8_t server_ttl) noexcept;
[[nodiscard]] HeldTuple tuple_of(const SpliceRecord& record) noexcept;
[[nodiscard]] SpliceTerms terms_of(const SpliceRecord& record) noexcept;

} // namespace foregate::dataplane
