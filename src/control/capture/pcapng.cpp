// SPDX-License-Identifier: BSD-3-Clause
#include "control/capture/pcapng.h"

#include <cstring>

namespace foregate::control {

namespace {

constexpr std::uint32_t kSection = 0x0a0d0d0a;
constexpr std::uint32_t kInterface = 1;
constexpr std::uint32_t kStatistics = 5;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::uint16_t kEthernet = 1; // LINKTYPE_ETHERNET
constexpr std::size_t kPacketFixed = 32 + 8 + 4; // header to lengths, flags option, end of options

// Option codes.
constexpr std::uint16_t kEnd = 0;
constexpr std::uint16_t kComment = 1;
constexpr std::uint16_t kOs = 3;          // shb_os
constexpr std::uint16_t kApplication = 4; // shb_userappl
constexpr std::uint16_t kName = 2;        // if_name
constexpr std::uint16_t kDescription = 3; // if_description
constexpr std::uint16_t kResolution = 9;  // if_tsresol
constexpr std::uint16_t kFilter = 11;     // if_filter
constexpr std::uint16_t kFlags = 2;       // epb_flags
constexpr std::uint16_t kReceived = 4;    // isb_ifrecv
constexpr std::uint16_t kDropped = 5;     // isb_ifdrop
constexpr std::size_t kMostText = 4000;

template <typename T>
void append(PcapngBytes& out, T value) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
    out.insert(out.end(), bytes, bytes + sizeof value);
}

void append_padded(PcapngBytes& out, const void* data, std::size_t size) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    out.insert(out.end(), bytes, bytes + size);
    out.resize(out.size() + (4 - size % 4) % 4);
}

void append_option(PcapngBytes& out, std::uint16_t code, const void* data, std::size_t size) {
    append(out, code);
    append(out, static_cast<std::uint16_t>(size));
    append_padded(out, data, size);
}

void append_text(PcapngBytes& out, std::uint16_t code, std::string_view text) {
    if (!text.empty()) {
        text = text.substr(0, kMostText);
        append_option(out, code, text.data(), text.size());
    }
}

void append_end(PcapngBytes& out) {
    append(out, kEnd);
    append(out, std::uint16_t{0});
}

/// Begins a block; its length is written by end_block().
std::size_t begin_block(PcapngBytes& out, std::uint32_t type) {
    const std::size_t at = out.size();
    append(out, type);
    append(out, std::uint32_t{0});
    return at;
}

void end_block(PcapngBytes& out, std::size_t at) {
    const auto size = static_cast<std::uint32_t>(out.size() - at + 4);
    std::memcpy(out.data() + at + 4, &size, sizeof size);
    append(out, size);
}

void append_time(PcapngBytes& out, std::uint64_t time_ns) {
    append(out, static_cast<std::uint32_t>(time_ns >> 32));
    append(out, static_cast<std::uint32_t>(time_ns));
}

} // namespace

void append_section(PcapngBytes& out, std::string_view application, std::string_view system, std::string_view comment) {
    const std::size_t at = begin_block(out, kSection);
    append(out, kByteOrderMagic);
    append(out, std::uint16_t{1}); // version 1.0
    append(out, std::uint16_t{0});
    append(out, ~std::uint64_t{0}); // length of the section: not known
    append_text(out, kComment, comment);
    append_text(out, kOs, system);
    append_text(out, kApplication, application);
    append_end(out);
    end_block(out, at);
}

void append_interface(PcapngBytes& out, std::string_view name, std::string_view description, std::string_view filter,
                      std::uint32_t snap_bytes) {
    const std::size_t at = begin_block(out, kInterface);
    append(out, kEthernet);
    append(out, std::uint16_t{0});
    append(out, snap_bytes);
    append_text(out, kName, name);
    append_text(out, kDescription, description);
    constexpr std::uint8_t kNanoseconds = 9;
    append_option(out, kResolution, &kNanoseconds, 1);
    if (!filter.empty()) {
        const std::string coded = std::string(1, '\0') + std::string(filter.substr(0, kMostText)); // 0: libpcap's text
        append_option(out, kFilter, coded.data(), coded.size());
    }
    append_end(out);
    end_block(out, at);
}

void append_packet(PcapngBytes& out, std::uint32_t interface, std::uint64_t time_ns, PacketDirection direction,
                   std::uint32_t length, std::span<const std::uint8_t> kept) {
    const std::size_t at = begin_block(out, kEnhancedPacket);
    append(out, interface);
    append_time(out, time_ns);
    append(out, static_cast<std::uint32_t>(kept.size()));
    append(out, length);
    append_padded(out, kept.data(), kept.size());
    const auto flags = static_cast<std::uint32_t>(direction);
    append_option(out, kFlags, &flags, sizeof flags);
    append_end(out);
    end_block(out, at);
}

std::size_t packet_block_bytes(std::size_t kept) noexcept { return kPacketFixed + (kept + 3) / 4 * 4; }

void append_statistics(PcapngBytes& out, std::uint32_t interface, std::uint64_t time_ns, std::uint64_t received,
                       std::uint64_t dropped) {
    const std::size_t at = begin_block(out, kStatistics);
    append(out, interface);
    append_time(out, time_ns);
    append_option(out, kReceived, &received, sizeof received);
    append_option(out, kDropped, &dropped, sizeof dropped);
    append_end(out);
    end_block(out, at);
}

} // namespace foregate::control
