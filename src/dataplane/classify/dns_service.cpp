// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/dns_service.h"

#include "dataplane/classify/dns_name.h"

namespace foregate::dataplane {

namespace {

constexpr std::uint16_t kKeyProtocols = 1;
constexpr std::uint16_t kKeyPort = 3;
constexpr std::uint16_t kKeyIpv4 = 4;
constexpr std::uint16_t kKeyEncryptedHello = 5;
constexpr std::uint16_t kKeyIpv6 = 6;
constexpr std::size_t kKeyBytes = 4;
constexpr int kMaxKeys = 32;
constexpr std::size_t kMaxProtocols = 16;

void read_protocols(std::span<const std::uint8_t> value, ProtocolList& out) noexcept {
    for (std::size_t i = 0; i < kMaxProtocols && !value.empty(); ++i) {
        const std::size_t size = value[0];
        if (size + 1 > value.size()) {
            return;
        }
        out.add(value.subspan(1, size));
        value = value.subspan(1 + size);
    }
}

} // namespace

bool parse_dns_service(std::span<const std::uint8_t> message, std::size_t data_at,
                       std::size_t data_bytes, DnsService& out, DnsServiceHints& hints) noexcept {
    out.protocols.clear();
    out.port = 0;
    out.encrypted_hello = false;
    hints = {};
    const auto data = message.first(data_at + data_bytes);
    std::size_t at = data_at + 2;
    if (data_bytes < 3 || !read_dns_name(data, at, false, out.target)) {
        return false;
    }
    out.priority = dns_load16(data, data_at);
    if (out.priority == 0) {
        return true;
    }
    for (int i = 0; i < kMaxKeys && at + kKeyBytes <= data.size(); ++i) {
        const std::uint16_t key = dns_load16(data, at);
        const std::size_t size = dns_load16(data, at + 2);
        at += kKeyBytes;
        if (size > data.size() - at) {
            return false;
        }
        const auto value = data.subspan(at, size);
        at += size;
        if (key == kKeyProtocols) {
            read_protocols(value, out.protocols);
        } else if (key == kKeyPort && size == 2) {
            out.port = dns_load16(value, 0);
        } else if (key == kKeyIpv4) {
            hints.ipv4 = value.first(size / 4 * 4);
        } else if (key == kKeyIpv6) {
            hints.ipv6 = value.first(size / 16 * 16);
        } else if (key == kKeyEncryptedHello) {
            out.encrypted_hello = true;
        }
    }
    return true;
}

} // namespace foregate::dataplane
