// SPDX-License-Identifier: BSD-3-Clause
// A frame that came out of the gateway, as tests look at it.
#pragma once

#include "dataplane/packet/parse.h"
#include "dataplane/packet/tcp_options.h"
#include "packet/packet_builder.h"

#include <ostream>
#include <string>

namespace foregate::packet_test {

struct Frame {
    Bytes bytes;
    dataplane::ParsedPacket parsed{};
    dataplane::ParseResult result = dataplane::ParseResult::truncated;

    Frame() = default;
    explicit Frame(Bytes from) : bytes(std::move(from)) {
        result = dataplane::parse(bytes.data(), static_cast<std::uint32_t>(bytes.size()), parsed);
    }

    [[nodiscard]] Mac dst_mac() const { return mac_at(0); }
    [[nodiscard]] Mac src_mac() const { return mac_at(6); }
    [[nodiscard]] std::string src() const { return parsed.src.to_string(); }
    [[nodiscard]] std::string dst() const { return parsed.dst.to_string(); }
    [[nodiscard]] unsigned src_port() const { return parsed.src_port; }
    [[nodiscard]] unsigned dst_port() const { return parsed.dst_port; }
    [[nodiscard]] unsigned ttl() const { return parsed.ttl; }
    [[nodiscard]] unsigned flags() const { return parsed.tcp_flags; }
    [[nodiscard]] std::uint32_t seq() const { return word(parsed.l4_offset + 4U); }
    [[nodiscard]] std::uint32_t ack() const { return word(parsed.l4_offset + 8U); }
    [[nodiscard]] unsigned window() const { return half(parsed.l4_offset + 14U); }
    [[nodiscard]] dataplane::TcpOptions options() const {
        return dataplane::parse_tcp_options(
            bytes.data() + parsed.l4_offset,
            static_cast<unsigned>(parsed.payload_offset - parsed.l4_offset));
    }
    [[nodiscard]] Bytes payload() const {
        const auto first = bytes.begin() + parsed.payload_offset;
        return {first, first + parsed.payload_length};
    }
    [[nodiscard]] std::string text() const {
        const Bytes p = payload();
        return {p.begin(), p.end()};
    }
    [[nodiscard]] unsigned half(std::size_t at) const {
        return at + 2 <= bytes.size() ? bytes[at] * 256U + bytes[at + 1] : 0;
    }
    [[nodiscard]] std::uint32_t word(std::size_t at) const { return half(at) << 16 | half(at + 2); }

    /// The IPv4 header's and the transport's checksum, both recomputed as a whole.
    [[nodiscard]] bool checksums_right() const {
        if (result != dataplane::ParseResult::ip) {
            return false;
        }
        const std::size_t ip = parsed.l3_offset;
        if (parsed.ip_version == 4) {
            const std::size_t length = (bytes[ip] & 15U) * 4U;
            if (ones_complement_sum(part(ip, ip + length)) != 0) {
                return false;
            }
        }
        const Bytes message = part(parsed.l4_offset, ip + parsed.ip_length);
        switch (parsed.protocol) {
        case 1:
            return ones_complement_sum(message) == 0;
        case 6:
        case 17:
        case 58:
            return ones_complement_sum(
                       with_pseudo_header(parsed.src, parsed.dst, parsed.protocol, message)) == 0;
        default:
            return true;
        }
    }

private:
    [[nodiscard]] Bytes part(std::size_t from, std::size_t to) const {
        return {bytes.begin() + static_cast<std::ptrdiff_t>(from),
                bytes.begin() + static_cast<std::ptrdiff_t>(to)};
    }
    [[nodiscard]] Mac mac_at(std::size_t at) const {
        Mac mac{};
        for (std::size_t i = 0; i < 6 && at + i < bytes.size(); ++i) {
            mac[i] = bytes[at + i];
        }
        return mac;
    }
};

inline std::ostream& operator<<(std::ostream& out, const Frame& f) {
    return out << f.src() << ":" << f.src_port() << " > " << f.dst() << ":" << f.dst_port()
               << " protocol " << unsigned{f.parsed.protocol} << " flags " << f.flags() << " seq "
               << f.seq() << " ack " << f.ack() << " payload " << f.parsed.payload_length;
}

} // namespace foregate::packet_test
