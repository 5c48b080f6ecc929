// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/local_name.h"

#include "dataplane/classify/dns_name.h"

#include <array>
#include <cstddef>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kTypeBytes = 4; // type and class
constexpr unsigned kMaxEntries = 64;  // questions or records a sane message announces
constexpr std::size_t kNetbiosNameBytes = 16;
constexpr std::uint8_t kNetbiosLabelBytes = 2 * kNetbiosNameBytes;
constexpr std::uint16_t kTypeNetbios = 0x20;
constexpr std::uint16_t kTypeNetbiosStatus = 0x21;

/// Header, then a first question or record; `at` is left behind its name.
bool read_first(std::span<const std::uint8_t> datagram, std::size_t& at, LocalName& out) noexcept {
    out.name.clear();
    out.netbios_suffix = 0;
    if (datagram.size() < kHeaderBytes) {
        return false;
    }
    unsigned entries = 0;
    for (std::size_t count_at = 4; count_at < kHeaderBytes; count_at += 2) {
        entries += dns_load16(datagram, count_at);
    }
    at = kHeaderBytes;
    if (entries == 0 || entries > kMaxEntries || !read_dns_name(datagram, at, false, out.name) ||
        at + kTypeBytes > datagram.size()) {
        out.name.clear();
        return false;
    }
    out.response = (datagram[2] & 0x80U) != 0;
    out.type = dns_load16(datagram, at);
    return true;
}

/// Half of a byte as the letter 'A' to 'P'.
bool read_half(std::uint8_t letter, unsigned& value) noexcept {
    value = value << 4 | static_cast<unsigned>(letter - 'A');
    return letter >= 'A' && letter <= 'P';
}

} // namespace

bool parse_multicast_dns(std::span<const std::uint8_t> datagram, LocalName& out) noexcept {
    std::size_t at = 0;
    return read_first(datagram, at, out) && !out.name.empty();
}

bool parse_netbios_name(std::span<const std::uint8_t> datagram, LocalName& out) noexcept {
    std::size_t at = 0;
    const bool readable = read_first(datagram, at, out);
    out.name.clear();
    if (!readable || datagram[kHeaderBytes] != kNetbiosLabelBytes ||
        (out.type != kTypeNetbios && out.type != kTypeNetbiosStatus)) {
        return false;
    }
    std::array<std::uint8_t, kNetbiosNameBytes> name{};
    for (std::size_t i = 0; i < name.size(); ++i) {
        const std::uint8_t* pair = datagram.data() + kHeaderBytes + 1 + 2 * i;
        unsigned value = 0;
        if (!read_half(pair[0], value) || !read_half(pair[1], value)) {
            return false;
        }
        name[i] = static_cast<std::uint8_t>(value);
    }
    out.netbios_suffix = name.back();
    std::size_t length = kNetbiosNameBytes - 1;
    while (length > 0 && (name[length - 1] == ' ' || name[length - 1] == 0)) {
        --length;
    }
    assign_name(std::span(name).first(length), out.name);
    return true;
}

} // namespace foregate::dataplane
