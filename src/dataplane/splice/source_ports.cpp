// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/splice/source_ports.h"

#include "dataplane/packet/parse.h"

#include <algorithm>

namespace foregate::dataplane {

std::uint64_t hash_tuple(const SecretKey& key, std::uint8_t domain,
                         const HeldTuple& tuple) noexcept {
    std::array<std::uint8_t, 37> bytes;
    std::copy(tuple.source.bytes.begin(), tuple.source.bytes.end(), bytes.begin());
    std::copy(tuple.server.bytes.begin(), tuple.server.bytes.end(), bytes.begin() + 16);
    store_be16(bytes.data() + 32, tuple.source_port);
    store_be16(bytes.data() + 34, tuple.server_port);
    bytes[36] = domain;
    return siphash24(key, bytes.data(), bytes.size());
}

PortQuarantine::PortQuarantine(std::uint32_t capacity, std::uint64_t hold_ns)
    : hold_ns_(hold_ns), entries_(capacity == 0 ? 1 : capacity),
      index_(static_cast<std::uint32_t>(entries_.size())) {}

void PortQuarantine::add(std::uint64_t tuple_hash, std::uint64_t now_ns) noexcept {
    Entry& entry = entries_[next_];
    if (entry.until_ns != 0) {
        forgotten_early_ += entry.until_ns > now_ns ? 1 : 0;
        index_.erase(next_);
    }
    entry = {tuple_hash, now_ns + hold_ns_};
    index_.insert(next_, tuple_hash);
    next_ = next_ + 1 == entries_.size() ? 0 : next_ + 1;
}

bool PortQuarantine::contains(std::uint64_t tuple_hash, std::uint64_t now_ns) const noexcept {
    for (std::uint32_t i = index_.first(tuple_hash); i != kNoSlot; i = index_.next(i)) {
        if (entries_[i].hash == tuple_hash && entries_[i].until_ns > now_ns) {
            return true;
        }
    }
    return false;
}

} // namespace foregate::dataplane
