// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/splice/splice_record.h"

#include <atomic>
#include <cstddef>
#include <cstring>

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kTimestamps = 1;
constexpr std::uint8_t kSack = 2;

/// FNV-1a over words: against torn and stray bytes, not against an attacker, who could not write
/// the file.
std::uint32_t check_of(const SpliceRecord& record, RecordKind kind) noexcept {
    std::uint8_t bytes[offsetof(SpliceRecord, check)];
    std::memcpy(bytes, &record, sizeof bytes);
    std::uint64_t hash = 0xcbf29ce484222325ULL ^ static_cast<std::uint64_t>(kind);
    for (std::size_t at = 0; at < sizeof bytes; at += 4) {
        std::uint32_t word = 0;
        std::memcpy(&word, bytes + at, sizeof word);
        hash = (hash ^ word) * 0x100000001b3ULL;
    }
    return static_cast<std::uint32_t>(hash ^ hash >> 32);
}

/// The kind is the validity word: it is the first thing taken away and the last thing written.
void set_kind(SpliceRecord& at, RecordKind kind) noexcept {
    std::atomic_ref<RecordKind>(at.kind).store(kind, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_release);
}

} // namespace

void write_record(SpliceRecord& at, const SpliceRecord& content, RecordKind kind) noexcept {
    set_kind(at, RecordKind::none);
    std::memcpy(static_cast<void*>(&at), &content, offsetof(SpliceRecord, check));
    at.check = check_of(content, kind);
    set_kind(at, kind);
}

void clear_record(SpliceRecord& at) noexcept {
    set_kind(at, RecordKind::none);
}

bool usable(const SpliceRecord& r) noexcept {
    const bool known = r.kind == RecordKind::held || r.kind == RecordKind::replaying ||
                       r.kind == RecordKind::spliced;
    const bool ports = r.held_port != 0 && r.server_port != 0 &&
                       (r.desktop_port != 0 || r.kind == RecordKind::held);
    return known && r.check == check_of(r, r.kind) && ports &&
           r.source.is_v4() == r.server.is_v4() && r.server_ttl != 0;
}

SpliceRecord record_of(const HeldTuple& tuple, const SpliceTerms& terms,
                       std::uint8_t server_ttl) noexcept {
    SpliceRecord r;
    r.source = tuple.source;
    r.server = tuple.server;
    r.seq_delta = terms.seq_delta;
    r.ts_delta = terms.ts_delta;
    r.server_delta = terms.server_delta;
    r.server_ts_delta = terms.server_ts_delta;
    r.held_port = tuple.source_port;
    r.desktop_port = terms.desktop_port;
    r.server_port = tuple.server_port;
    r.options =
        static_cast<std::uint8_t>((terms.timestamps ? kTimestamps : 0) | (terms.sack ? kSack : 0));
    r.server_ttl = server_ttl;
    return r;
}

HeldTuple tuple_of(const SpliceRecord& r) noexcept {
    return {r.source, r.server, r.held_port, r.server_port};
}

SpliceTerms terms_of(const SpliceRecord& r) noexcept {
    SpliceTerms terms;
    terms.seq_delta = r.seq_delta;
    terms.ts_delta = r.ts_delta;
    terms.server_delta = r.server_delta;
    terms.server_ts_delta = r.server_ts_delta;
    terms.held_port = r.held_port;
    terms.desktop_port = r.desktop_port;
    terms.server_port = r.server_port;
    terms.timestamps = (r.options & kTimestamps) != 0;
    terms.sack = (r.options & kSack) != 0;
    return terms;
}

} // namespace foregate::dataplane
