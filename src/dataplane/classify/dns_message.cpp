// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/dns_message.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kMaxRecords = 64;
constexpr int kMaxCnameLinks = 8;
constexpr std::uint16_t kUsedLink = 0; ///< record type of a CNAME that was followed
constexpr int kMaxPointers = 32;
constexpr std::size_t kMaxWireName = 255;
constexpr std::uint16_t kQuestionFixedBytes = 4;
constexpr std::uint16_t kRecordFixedBytes = 10;

std::uint16_t load16(std::span<const std::uint8_t> bytes, std::size_t at) noexcept {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::uint32_t load32(std::span<const std::uint8_t> bytes, std::size_t at) noexcept {
    return static_cast<std::uint32_t>(load16(bytes, at)) << 16 | load16(bytes, at + 2);
}

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
            const std::size_t target = load16(message, here) & 0x3fffU;
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

bool read_name(std::span<const std::uint8_t> message, std::size_t& at, bool pointers_allowed,
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

/// Case-insensitive hash of a name, so that each owner is decoded once however long the chain is.
/// Whoever could forge a collision writes the whole answer anyway.
bool hash_name(std::span<const std::uint8_t> message, std::size_t& at,
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

struct Record {
    std::uint64_t owner;
    std::uint64_t target; ///< CNAME only
    std::uint32_t ttl_s;
    std::uint16_t type;
    std::uint16_t data_at;
};

struct RecordList {
    std::array<Record, kMaxRecords> records;
    std::size_t count = 0;
};

/// Reads one resource record behind `at`; false at the first one that does not fit.
bool read_record(std::span<const std::uint8_t> message, std::size_t& at,
                 RecordList& list) noexcept {
    Record record{};
    if (!hash_name(message, at, record.owner) || at + kRecordFixedBytes > message.size()) {
        return false;
    }
    record.type = load16(message, at);
    const std::uint16_t record_class = load16(message, at + 2);
    record.ttl_s = load32(message, at + 4);
    if (record.ttl_s > 0x7fffffffU) {
        record.ttl_s = 0; // RFC 2181, section 8
    }
    const std::size_t data_bytes = load16(message, at + 8);
    const std::size_t data_at = at + kRecordFixedBytes;
    if (data_at + data_bytes > message.size()) {
        return false;
    }
    at = data_at + data_bytes;
    record.data_at = static_cast<std::uint16_t>(data_at);
    if (record_class != kDnsClassIn) {
        return true;
    }
    bool wanted = (record.type == kDnsTypeA && data_bytes == 4) ||
                  (record.type == kDnsTypeAaaa && data_bytes == 16);
    if (record.type == kDnsTypeCname) {
        std::size_t name_at = data_at;
        wanted = hash_name(message.first(at), name_at, record.target);
    }
    if (wanted) {
        list.records[list.count++] = record;
    }
    return true;
}

void add_addresses(std::span<const std::uint8_t> message, const RecordList& list,
                   std::uint64_t owner, std::uint32_t chain_ttl_s, DnsMessage& out) noexcept {
    for (std::size_t i = 0; i < list.count; ++i) {
        const Record& record = list.records[i];
        const bool address = record.type == kDnsTypeA || record.type == kDnsTypeAaaa;
        if (record.owner != owner || !address || out.address_count == DnsMessage::kMaxAddresses) {
            continue;
        }
        DnsAddress& slot = out.addresses[out.address_count++];
        const std::uint8_t* data = message.data() + record.data_at;
        slot.address = record.type == kDnsTypeA ? IpAddress::from_v4_wire(data)
                                                : IpAddress::from_v6_wire(data);
        slot.ttl_s = std::min(record.ttl_s, chain_ttl_s);
    }
}

void collect_answers(std::span<const std::uint8_t> message, std::size_t at, std::uint64_t question,
                     DnsMessage& out) noexcept {
    RecordList list;
    const std::size_t announced = load16(message, 6);
    for (std::size_t i = 0; i < std::min(announced, kMaxRecords); ++i) {
        if (!read_record(message, at, list)) {
            break;
        }
    }
    std::uint64_t owner = question;
    std::uint32_t chain_ttl_s = std::numeric_limits<std::uint32_t>::max();
    for (int link = 0; link <= kMaxCnameLinks; ++link) {
        add_addresses(message, list, owner, chain_ttl_s, out);
        const auto end = list.records.begin() + static_cast<std::ptrdiff_t>(list.count);
        const auto next = std::find_if(list.records.begin(), end, [owner](const Record& record) {
            return record.type == kDnsTypeCname && record.owner == owner;
        });
        if (next == end) {
            return;
        }
        chain_ttl_s = std::min(chain_ttl_s, next->ttl_s);
        owner = next->target;
        next->type = kUsedLink; // each link once: a loop ends
    }
}

} // namespace

DnsResult parse_dns_message(std::span<const std::uint8_t> bytes, DnsMessage& out) noexcept {
    out.address_count = 0;
    out.name.clear();
    if (bytes.size() < kDnsHeaderBytes || bytes.size() > 0xffff) {
        return DnsResult::malformed;
    }
    const std::uint16_t flags = load16(bytes, 2);
    const std::uint16_t questions = load16(bytes, 4);
    const bool response = (flags & 0x8000U) != 0;
    out.id = load16(bytes, 0);
    out.opcode = static_cast<std::uint8_t>(flags >> 11 & 0xfU);
    out.rcode = static_cast<std::uint8_t>(flags & 0xfU);
    out.truncated = (flags & 0x0200U) != 0;
    std::size_t at = kDnsHeaderBytes;
    if (questions == 0 || out.opcode != 0 || !read_name(bytes, at, false, out.name) ||
        at + kQuestionFixedBytes > bytes.size()) {
        out.name.clear();
        return DnsResult::malformed;
    }
    out.question_type = load16(bytes, at);
    out.question_class = load16(bytes, at + 2);
    at += kQuestionFixedBytes;
    out.question_end = static_cast<std::uint16_t>(at);
    if (!response) {
        return DnsResult::query;
    }
    std::uint64_t question = 0;
    std::size_t name_at = kDnsHeaderBytes;
    if (questions != 1 || !hash_name(bytes, name_at, question)) {
        return DnsResult::answer; // nobody answers two questions; nothing to attribute
    }
    collect_answers(bytes, at, question, out);
    return DnsResult::answer;
}

DnsResult parse_dns_tcp(std::span<const std::uint8_t> bytes, DnsMessage& out) noexcept {
    out.address_count = 0;
    out.name.clear();
    if (bytes.size() < 2) {
        return DnsResult::incomplete;
    }
    const std::size_t length = load16(bytes, 0);
    if (length < kDnsHeaderBytes) {
        return DnsResult::malformed;
    }
    if (bytes.size() - 2 < length) {
        return DnsResult::incomplete;
    }
    return parse_dns_message(bytes.subspan(2, length), out);
}

std::size_t build_nxdomain_reply(std::span<const std::uint8_t> query,
                                 std::span<std::uint8_t> out) noexcept {
    DnsMessage message;
    if (parse_dns_message(query, message) != DnsResult::query ||
        out.size() < message.question_end) {
        return 0;
    }
    std::memmove(out.data(), query.data(), message.question_end);
    constexpr std::uint8_t kOpcodeAndRecursionDesired = 0x79;
    constexpr std::uint8_t kCheckingDisabled = 0x10;
    out[2] = static_cast<std::uint8_t>(0x80U | (out[2] & kOpcodeAndRecursionDesired));
    out[3] = static_cast<std::uint8_t>(0x80U | (out[3] & kCheckingDisabled) | 3U);
    std::memset(out.data() + 4, 0, 8);
    out[5] = 1;
    return message.question_end;
}

} // namespace foregate::dataplane
