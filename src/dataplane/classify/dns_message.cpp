// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/dns_message.h"

#include "dataplane/classify/dns_name.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kMaxRecords = 64;
constexpr int kMaxCnameLinks = 8;
constexpr std::uint16_t kUsedLink = 0; ///< record type of a CNAME that was followed
constexpr std::uint16_t kQuestionFixedBytes = 4;
constexpr std::uint16_t kRecordFixedBytes = 10;
constexpr std::size_t kLengthPrefixBytes = 2; // over TCP

struct Record {
    std::uint64_t owner;
    std::uint64_t target; ///< CNAME only
    std::uint32_t ttl_s;
    std::uint16_t type;
    std::uint16_t data_at;
    std::uint16_t data_bytes;
};

struct RecordList {
    std::array<Record, kMaxRecords> records;
    std::size_t count = 0;
};

/// Reads one resource record behind `at`; false at the first one that does not fit.
bool read_record(std::span<const std::uint8_t> message, std::size_t& at,
                 RecordList& list) noexcept {
    Record record{};
    if (!hash_dns_name(message, at, record.owner) || at + kRecordFixedBytes > message.size()) {
        return false;
    }
    record.type = dns_load16(message, at);
    const std::uint16_t record_class = dns_load16(message, at + 2);
    record.ttl_s = dns_load32(message, at + 4);
    if (record.ttl_s > 0x7fffffffU) {
        record.ttl_s = 0; // RFC 2181, section 8
    }
    const std::size_t data_bytes = dns_load16(message, at + 8);
    const std::size_t data_at = at + kRecordFixedBytes;
    if (data_at + data_bytes > message.size()) {
        return false;
    }
    at = data_at + data_bytes;
    record.data_at = static_cast<std::uint16_t>(data_at);
    record.data_bytes = static_cast<std::uint16_t>(data_bytes);
    if (record_class != kDnsClassIn) {
        return true;
    }
    bool wanted = (record.type == kDnsTypeA && data_bytes == 4) ||
                  (record.type == kDnsTypeAaaa && data_bytes == 16) ||
                  record.type == kDnsTypeHttps || record.type == kDnsTypeSvcb;
    if (record.type == kDnsTypeCname) {
        std::size_t name_at = data_at;
        wanted = hash_dns_name(message.first(at), name_at, record.target);
    }
    if (wanted) {
        list.records[list.count++] = record;
    }
    return true;
}

void add_address(const IpAddress& address, std::uint32_t ttl_s, DnsMessage& out) noexcept {
    if (out.address_count < DnsMessage::kMaxAddresses) {
        out.addresses[out.address_count++] = {address, ttl_s};
    }
}

void add_alias(const NameBuffer& name, DnsMessage& out) noexcept {
    if (!name.empty() && out.alias_count < DnsMessage::kMaxAliases) {
        out.aliases[out.alias_count++] = name;
    }
}

/// An HTTPS or SVCB record: what it says, and its hints as addresses.
void add_service(std::span<const std::uint8_t> message, const Record& record, std::uint32_t ttl_s,
                 DnsMessage& out) noexcept {
    DnsService service;
    DnsServiceHints hints;
    if (!parse_dns_service(message, record.data_at, record.data_bytes, service, hints)) {
        return;
    }
    service.ttl_s = ttl_s;
    if (service.priority == 0) {
        add_alias(service.target, out);
        return;
    }
    for (std::size_t at = 0; at < hints.ipv4.size(); at += 4) {
        add_address(IpAddress::from_v4_wire(hints.ipv4.data() + at), ttl_s, out);
    }
    for (std::size_t at = 0; at < hints.ipv6.size(); at += 16) {
        add_address(IpAddress::from_v6_wire(hints.ipv6.data() + at), ttl_s, out);
    }
    if (out.service_count < DnsMessage::kMaxServices) {
        out.services[out.service_count++] = service;
    }
}

/// All records of one owner but its alias.
void add_records(std::span<const std::uint8_t> message, const RecordList& list, std::uint64_t owner,
                 std::uint32_t chain_ttl_s, DnsMessage& out) noexcept {
    for (std::size_t i = 0; i < list.count; ++i) {
        const Record& record = list.records[i];
        if (record.owner != owner) {
            continue;
        }
        const std::uint32_t ttl_s = std::min(record.ttl_s, chain_ttl_s);
        const std::uint8_t* data = message.data() + record.data_at;
        if (record.type == kDnsTypeA) {
            add_address(IpAddress::from_v4_wire(data), ttl_s, out);
        } else if (record.type == kDnsTypeAaaa) {
            add_address(IpAddress::from_v6_wire(data), ttl_s, out);
        } else if (record.type == kDnsTypeHttps || record.type == kDnsTypeSvcb) {
            add_service(message, record, ttl_s, out);
        }
    }
}

void collect_answers(std::span<const std::uint8_t> message, std::size_t at, std::uint64_t question,
                     DnsMessage& out) noexcept {
    RecordList list;
    const std::size_t announced = dns_load16(message, 6);
    for (std::size_t i = 0; i < std::min(announced, kMaxRecords); ++i) {
        if (!read_record(message, at, list)) {
            break;
        }
    }
    std::uint64_t owner = question;
    std::uint32_t chain_ttl_s = std::numeric_limits<std::uint32_t>::max();
    for (int link = 0; link <= kMaxCnameLinks; ++link) {
        add_records(message, list, owner, chain_ttl_s, out);
        const auto end = list.records.begin() + static_cast<std::ptrdiff_t>(list.count);
        const auto next = std::find_if(list.records.begin(), end, [owner](const Record& record) {
            return record.type == kDnsTypeCname && record.owner == owner;
        });
        if (next == end) {
            return;
        }
        chain_ttl_s = std::min(chain_ttl_s, next->ttl_s);
        owner = next->target;
        std::size_t name_at = next->data_at;
        NameBuffer alias;
        if (read_dns_name(message, name_at, true, alias)) {
            add_alias(alias, out);
        }
        next->type = kUsedLink; // each link once: a loop ends
    }
}

} // namespace

DnsResult parse_dns_message(std::span<const std::uint8_t> bytes, DnsMessage& out) noexcept {
    out.address_count = 0;
    out.alias_count = 0;
    out.service_count = 0;
    out.name.clear();
    if (bytes.size() < kDnsHeaderBytes || bytes.size() > 0xffff) {
        return DnsResult::malformed;
    }
    const std::uint16_t flags = dns_load16(bytes, 2);
    const std::uint16_t questions = dns_load16(bytes, 4);
    const bool response = (flags & 0x8000U) != 0;
    out.id = dns_load16(bytes, 0);
    out.opcode = static_cast<std::uint8_t>(flags >> 11 & 0xfU);
    out.rcode = static_cast<std::uint8_t>(flags & 0xfU);
    out.truncated = (flags & 0x0200U) != 0;
    std::size_t at = kDnsHeaderBytes;
    if (questions == 0 || out.opcode != 0 || !read_dns_name(bytes, at, false, out.name) ||
        at + kQuestionFixedBytes > bytes.size()) {
        out.name.clear();
        return DnsResult::malformed;
    }
    out.question_type = dns_load16(bytes, at);
    out.question_class = dns_load16(bytes, at + 2);
    at += kQuestionFixedBytes;
    out.question_end = static_cast<std::uint16_t>(at);
    if (!response) {
        return DnsResult::query;
    }
    std::uint64_t question = 0;
    std::size_t name_at = kDnsHeaderBytes;
    if (questions != 1 || !hash_dns_name(bytes, name_at, question)) {
        return DnsResult::answer; // nobody answers two questions; nothing to attribute
    }
    collect_answers(bytes, at, question, out);
    return DnsResult::answer;
}

DnsResult parse_dns_tcp(std::span<const std::uint8_t> bytes, DnsMessage& out) noexcept {
    std::size_t at = 0;
    return parse_next_dns_tcp(bytes, at, out);
}

DnsResult parse_next_dns_tcp(std::span<const std::uint8_t> bytes, std::size_t& at,
                             DnsMessage& out) noexcept {
    out.address_count = 0;
    out.alias_count = 0;
    out.service_count = 0;
    out.name.clear();
    if (at > bytes.size() || bytes.size() - at < kLengthPrefixBytes) {
        return DnsResult::incomplete;
    }
    const std::size_t length = dns_load16(bytes, at);
    if (length < kDnsHeaderBytes) {
        return DnsResult::malformed;
    }
    if (bytes.size() - at - kLengthPrefixBytes < length) {
        return DnsResult::incomplete;
    }
    at += kLengthPrefixBytes + length;
    return parse_dns_message(bytes.subspan(at - length, length), out);
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
