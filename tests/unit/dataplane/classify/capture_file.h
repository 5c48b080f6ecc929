// SPDX-License-Identifier: BSD-3-Clause
// Reads the transport payloads of a pcap or pcapng file, for tests of the payload parsers alone:
// Ethernet, raw IP, BSD loopback and Linux cooked captures; IPv4 and IPv6 without fragments.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace foregate::dataplane::capture_test {

struct Segment {
    std::string direction; ///< both ends, sender first: the same for all packets of a direction
    std::uint8_t protocol = 0;
    std::uint16_t source_port = 0;
    std::uint16_t target_port = 0;
    std::uint32_t seq = 0; ///< TCP
    bool syn = false;
    std::vector<std::uint8_t> payload;
};

class CaptureFile {
public:
    using Bytes = std::span<const std::uint8_t>;

    /// Throws std::runtime_error when the file cannot be read or is no capture.
    explicit CaptureFile(const std::filesystem::path& path) {
        std::ifstream in(path, std::ios::binary);
        bytes_.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
        if (bytes_.size() < 24) {
            throw std::runtime_error(path.string() + ": cannot be read");
        }
        const std::uint32_t magic = u32(0);
        swapped_ = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
        if (swapped_ || magic == 0xa1b2c3d4 || magic == 0xa1b23c4d) {
            read_pcap();
        } else if (magic == 0x0a0d0d0a) {
            read_pcapng();
        } else {
            throw std::runtime_error(path.string() + ": neither pcap nor pcapng");
        }
    }

    [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }

private:
    [[nodiscard]] std::uint32_t u32(std::size_t at) const {
        std::uint32_t value = 0;
        if (at + 4 <= bytes_.size()) {
            std::memcpy(&value, bytes_.data() + at, 4);
        }
        return swapped_ ? __builtin_bswap32(value) : value;
    }
    [[nodiscard]] Bytes bytes(std::size_t at, std::size_t size) const {
        return at + size <= bytes_.size() ? Bytes(bytes_).subspan(at, size) : Bytes();
    }
    static std::uint16_t net16(Bytes from, std::size_t at) {
        return static_cast<std::uint16_t>(from[at] << 8 | from[at + 1]);
    }

    void read_pcap() {
        const std::uint32_t link = u32(20) & 0xffffU;
        for (std::size_t at = 24; at + 16 <= bytes_.size(); at += 16 + u32(at + 8)) {
            read_frame(link, bytes(at + 16, u32(at + 8)));
        }
    }

    void read_pcapng() {
        std::vector<std::uint32_t> links;
        for (std::size_t at = 0; at + 12 <= bytes_.size();) {
            const std::uint32_t type = u32(at);
            if (type == 0x0a0d0d0a) {
                std::uint32_t order = 0;
                std::memcpy(&order, bytes_.data() + at + 8, 4);
                swapped_ = order == 0x4d3c2b1a;
                links.clear();
            }
            const std::uint32_t size = u32(at + 4);
            if (type == 1) {
                links.push_back(u32(at + 8) & 0xffffU);
            } else if (type == 6 && u32(at + 8) < links.size()) {
                read_frame(links[u32(at + 8)], bytes(at + 28, u32(at + 20)));
            } else if (type == 3 && !links.empty()) {
                read_frame(links[0], bytes(at + 12, size - 16));
            }
            if (size < 12) {
                return;
            }
            at += size;
        }
    }

    void read_frame(std::uint32_t link, Bytes frame) {
        std::size_t header = 0;
        switch (link) {
        case 0: // BSD loopback
            header = 4;
            break;
        case 1: { // Ethernet, with up to two VLAN tags
            header = 14;
            while (frame.size() >= header + 4 && header < 22 &&
                   (net16(frame, header - 2) == 0x8100 || net16(frame, header - 2) == 0x88a8)) {
                header += 4;
            }
            break;
        }
        case 113: // Linux cooked
            header = 16;
            break;
        case 276:
            header = 20;
            break;
        default: // raw
            break;
        }
        if (frame.size() > header) {
            read_ip(frame.subspan(header));
        }
    }

    void read_ip(Bytes ip) {
        const unsigned version = ip[0] >> 4;
        std::size_t header = 0;
        std::size_t total = 0;
        std::string ends;
        Segment segment;
        if (version == 4 && ip.size() >= 20) {
            header = (ip[0] & 0xfU) * 4U;
            total = net16(ip, 2);
            segment.protocol = ip[9];
            ends.assign(ip.begin() + 12, ip.begin() + 20);
            if ((net16(ip, 6) & 0x3fffU) != 0) {
                return;
            }
        } else if (version == 6 && ip.size() >= 40) {
            header = 40;
            total = 40U + net16(ip, 4);
            segment.protocol = ip[6];
            ends.assign(ip.begin() + 8, ip.begin() + 40);
        }
        if (total < header + 8 || header < 20 || ip.size() < header + 8) {
            return;
        }
        const Bytes transport = ip.first(std::min(ip.size(), total)).subspan(header);
        std::size_t payload_at = 8;
        if (segment.protocol == 6) {
            if (transport.size() < 20) {
                return;
            }
            payload_at = static_cast<std::size_t>(transport[12] >> 4) * 4;
            segment.seq =
                static_cast<std::uint32_t>(net16(transport, 4)) << 16 | net16(transport, 6);
            segment.syn = (transport[13] & 2U) != 0;
        }
        if ((segment.protocol != 6 && segment.protocol != 17) || transport.size() < payload_at) {
            return;
        }
        segment.source_port = net16(transport, 0);
        segment.target_port = net16(transport, 2);
        segment.direction = ends + std::to_string(segment.source_port) + '>' +
                            std::to_string(segment.target_port) + '/' +
                            std::to_string(segment.protocol);
        const Bytes payload = transport.subspan(payload_at);
        segment.payload.assign(payload.begin(), payload.end());
        segments_.push_back(std::move(segment));
    }

    std::vector<std::uint8_t> bytes_;
    bool swapped_ = false;
    std::vector<Segment> segments_;
};

} // namespace foregate::dataplane::capture_test
