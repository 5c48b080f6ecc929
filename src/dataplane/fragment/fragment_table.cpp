// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fragment/fragment_table.h"

#include <bit>

namespace foregate::dataplane {

namespace {

constexpr unsigned kExpiredACall = 64;

/// Bits `from` up to, not including, `to` of the word that begins at bit 64 * word.
std::uint64_t part_of_word(std::uint32_t word, std::uint32_t from, std::uint32_t to) noexcept {
    const std::uint32_t base = word * 64;
    const std::uint32_t low = from > base ? from - base : 0;
    const std::uint32_t high = to - base < 64 ? to - base : 64;
    const std::uint64_t up_to_high = high == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << high) - 1;
    return up_to_high & (~std::uint64_t{0} << low);
}

} // namespace

FragmentTable::FragmentTable(const FragmentLimits& limits, std::uint64_t seed, Sink sink, void* context)
    : limits_(limits), seed_(seed), sink_(sink), context_(context), entries_(limits.packets),
      buckets_(std::bit_ceil(limits.packets), kNone), held_(limits.held) {
    for (std::uint32_t i = 0; i < limits.packets; ++i) {
        entries_[i].chain = i + 1 < limits.packets ? i + 1 : kNone;
    }
    for (std::uint32_t i = 0; i < limits.held; ++i) {
        held_[i].next = i + 1 < limits.held ? i + 1 : kNone;
    }
    free_entry_ = limits.packets != 0 ? 0 : kNone;
    free_held_ = limits.held != 0 ? 0 : kNone;
}

FragmentTable::~FragmentTable() {
    while (oldest_ != kNone) {
        discard(entries_[oldest_], DropReason::fragment_timeout);
        remove(entries_[oldest_]);
    }
    FragmentPorts ports;
    while (void* packet = take_released(ports)) {
        sink_(context_, packet, DropReason::fragment_timeout);
    }
}

std::uint32_t FragmentTable::bucket_of(const FragmentKey& key) const noexcept {
    const std::uint64_t hash = hash_address(key.src, seed_) + hash_address(key.dst, ~seed_) +
                               (std::uint64_t{key.id} << 8 | key.protocol) * 0x9e3779b97f4a7c15ULL;
    return static_cast<std::uint32_t>((hash * 0xd6e8feb86659fd93ULL) >> 32) &
           (static_cast<std::uint32_t>(buckets_.size()) - 1);
}

std::uint16_t& FragmentTable::source_count(const FragmentKey& key) noexcept {
    return by_source_[hash_address(key.src, seed_) % kSources];
}

FragmentTable::Entry* FragmentTable::find_or_add(const FragmentKey& key, std::uint32_t now_ms) noexcept {
    const std::uint32_t bucket = bucket_of(key);
    for (std::uint32_t at = buckets_[bucket]; at != kNone; at = entries_[at].chain) {
        Entry& entry = entries_[at];
        if (entry.key == key) {
            if (now_ms - entry.created_ms < limits_.life_ms) {
                return &entry;
            }
            discard(entry, DropReason::fragment_timeout); // the same number again, for another packet
            remove(entry);
            break;
        }
    }
    return add(key, bucket, now_ms);
}

FragmentTable::Entry* FragmentTable::add(const FragmentKey& key, std::uint32_t bucket, std::uint32_t now_ms) noexcept {
    std::uint16_t& of_source = source_count(key);
    if (free_entry_ == kNone || of_source >= limits_.packets_per_source) {
        return nullptr;
    }
    const std::uint32_t at = free_entry_;
    Entry& entry = entries_[at];
    free_entry_ = entry.chain;
    entry.key = key;
    entry.chain = buckets_[bucket];
    buckets_[bucket] = at;
    entry.created_ms = now_ms;
    entry.older = newest_;
    entry.newer = kNone;
    (newest_ == kNone ? oldest_ : entries_[newest_].newer) = at;
    newest_ = at;
    ++of_source;
    ++in_progress_;
    return &entry;
}

void FragmentTable::remove(Entry& entry) noexcept {
    const auto at = static_cast<std::uint32_t>(&entry - entries_.data());
    std::uint32_t* link = &buckets_[bucket_of(entry.key)];
    while (*link != at) {
        link = &entries_[*link].chain;
    }
    *link = entry.chain;
    (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = entry.newer;
    (entry.newer == kNone ? newest_ : entries_[entry.newer].older) = entry.older;
    --source_count(entry.key);
    --in_progress_;
    for (std::uint32_t word = 0; word * 64 < entry.top; ++word) {
        entry.seen[word] = 0;
    }
    entry.covered = entry.blocks = entry.top = 0;
    entry.held = Queue{};
    entry.held_count = 0;
    entry.known = entry.spoiled = false;
    entry.chain = free_entry_;
    free_entry_ = at;
}

void FragmentTable::discard(Entry& entry, DropReason reason) noexcept {
    while (entry.held.head != kNone) {
        const std::uint32_t at = entry.held.head;
        Held& one = held_[at];
        entry.held.head = one.next;
        sink_(context_, one.packet, reason);
        one.next = free_held_;
        free_held_ = at;
        --held_count_;
    }
    entry.held = Queue{};
    entry.held_count = 0;
}

FragmentTable::Cover FragmentTable::cover(Entry& entry, const FragmentPiece& piece) noexcept {
    const std::uint32_t from = piece.offset / 8;
    const std::uint32_t to = (piece.offset + piece.length + 7) / 8;
    const bool beyond_end = (entry.blocks != 0 && to > entry.blocks) || to > kWords * 64;
    const bool other_end = piece.last && ((entry.blocks != 0 && entry.blocks != to) || entry.top > to);
    if (beyond_end || other_end) {
        return Cover::clash;
    }
    std::uint32_t before = 0;
    for (std::uint32_t word = from / 64; word * 64 < to; ++word) {
        before += static_cast<std::uint32_t>(std::popcount(entry.seen[word] & part_of_word(word, from, to)));
    }
    if (before != 0) {
        return before == to - from ? Cover::repeated : Cover::clash;
    }
    for (std::uint32_t word = from / 64; word * 64 < to; ++word) {
        entry.seen[word] |= part_of_word(word, from, to);
    }
    entry.covered += to - from;
    entry.top = entry.top > to ? entry.top : to;
    entry.blocks = piece.last ? to : entry.blocks;
    return Cover::fresh;
}

FragmentFate FragmentTable::judge(Entry& entry, const FragmentPiece& piece) noexcept {
    if (entry.spoiled) {
        return FragmentFate::overlap;
    }
    switch (cover(entry, piece)) {
    case Cover::fresh:
        return FragmentFate::pass;
    case Cover::repeated: // all of it was there before: this one goes, the packet is none the worse
        return FragmentFate::overlap;
    case Cover::clash:
        break;
    }
    entry.spoiled = true;
    discard(entry, DropReason::overlapping_fragment);
    return FragmentFate::overlap;
}

FragmentFate FragmentTable::first(const FragmentKey& key, const FragmentPiece& piece, const FragmentPorts& ports,
                                  std::uint32_t now_ms) noexcept {
    Entry* entry = find_or_add(key, now_ms);
    if (entry == nullptr) {
        return FragmentFate::full;
    }
    const FragmentFate fate = judge(*entry, piece);
    if (fate != FragmentFate::pass) {
        return fate;
    }
    entry->known = true;
    entry->ports = ports;
    while (entry->held.head != kNone) {
        const std::uint32_t at = entry->held.head;
        entry->held.head = held_[at].next;
        held_[at].ports = ports;
        append(released_, at);
    }
    entry->held = Queue{};
    entry->held_count = 0;
    if (entry->covered == entry->blocks) {
        remove(*entry);
    }
    return FragmentFate::pass;
}

FragmentFate FragmentTable::later(const FragmentKey& key, const FragmentPiece& piece, void* packet,
                                  FragmentPorts& ports, std::uint32_t now_ms) noexcept {
    Entry* entry = find_or_add(key, now_ms);
    if (entry == nullptr) {
        return FragmentFate::full;
    }
    if (entry->known) {
        ports = entry->ports;
    }
    const bool room = entry->known || (free_held_ != kNone && entry->held_count < limits_.held_per_packet);
    if (!room && !entry->spoiled) {
        return FragmentFate::full;
    }
    const FragmentFate fate = judge(*entry, piece);
    if (fate != FragmentFate::pass) {
        return fate;
    }
    if (entry->known) {
        if (entry->covered == entry->blocks) {
            remove(*entry);
        }
        return FragmentFate::pass;
    }
    const std::uint32_t at = free_held_;
    free_held_ = held_[at].next;
    held_[at].packet = packet;
    append(entry->held, at);
    ++entry->held_count;
    ++held_count_;
    return FragmentFate::held;
}

void FragmentTable::append(Queue& to, std::uint32_t held) noexcept {
    held_[held].next = kNone;
    (to.tail == kNone ? to.head : held_[to.tail].next) = held;
    to.tail = held;
}

void* FragmentTable::take_released(FragmentPorts& ports) noexcept {
    const std::uint32_t at = released_.head;
    if (at == kNone) {
        return nullptr;
    }
    Held& one = held_[at];
    released_.head = one.next;
    if (released_.head == kNone) {
        released_.tail = kNone;
    }
    ports = one.ports;
    one.next = free_held_;
    free_held_ = at;
    --held_count_;
    return one.packet;
}

void FragmentTable::expire(std::uint32_t now_ms) noexcept {
    for (unsigned i = 0; i < kExpiredACall && oldest_ != kNone; ++i) {
        Entry& entry = entries_[oldest_];
        if (now_ms - entry.created_ms < limits_.life_ms) {
            return;
        }
        discard(entry, DropReason::fragment_timeout);
        remove(entry);
    }
}

} // namespace foregate::dataplane
