// SPDX-License-Identifier: BSD-3-Clause
// A Splicer between a server and a desktop that a test plays segment by segment.
#pragma once

#include "dataplane/packet/build.h"
#include "dataplane/packet/parse.h"
#include "dataplane/splice/splicer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::dataplane::splice_test {

inline constexpr std::uint64_t kMs = 1'000'000;
inline constexpr std::uint64_t kSecond = 1'000'000'000;
inline constexpr std::uint16_t kDesktopPort = 50123;

/// A frame with its parse.
struct Packet {
    std::array<std::uint8_t, 14 + kMaxBuiltBytes + 8> frame{};
    unsigned length = 0;
    ParsedPacket parsed{};

    [[nodiscard]] std::uint8_t* tcp() { return frame.data() + parsed.l4_offset; }
    [[nodiscard]] std::uint32_t seq() { return load_be32(tcp() + 4); }
    [[nodiscard]] std::uint32_t ack() { return load_be32(tcp() + 8); }
    [[nodiscard]] TcpOptions options() { return parse_tcp_options(tcp(), (tcp()[12] >> 4) * 4U); }
    [[nodiscard]] std::string payload() const {
        return {reinterpret_cast<const char*>(frame.data()) + parsed.payload_offset,
                parsed.payload_length};
    }
    bool reparse() { return parse(frame.data(), length, parsed) == ParseResult::ip; }
};

/// Sums words one by one, unlike the code under test; 0 when a checksum is right.
inline std::uint16_t naive_sum(const std::vector<std::uint8_t>& bytes) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
    }
    while (sum > 0xffff) {
        sum = sum % 0x10000 + sum / 0x10000;
    }
    return static_cast<std::uint16_t>(0xffff - sum);
}

/// Whether the transport checksum of `p` is right, recomputed as a whole.
inline bool checksum_right(const Packet& p) {
    const std::size_t end = static_cast<std::size_t>(p.parsed.l3_offset) + p.parsed.ip_length;
    const auto length = static_cast<std::uint32_t>(end - p.parsed.l4_offset);
    std::vector<std::uint8_t> bytes;
    if (p.parsed.protocol != kProtoIcmp) {
        const std::size_t skip = p.parsed.ip_version == 4 ? 12 : 0;
        bytes.insert(bytes.end(), p.parsed.src.bytes.begin() + static_cast<long>(skip),
                     p.parsed.src.bytes.end());
        bytes.insert(bytes.end(), p.parsed.dst.bytes.begin() + static_cast<long>(skip),
                     p.parsed.dst.bytes.end());
        for (unsigned shift : {24U, 16U, 8U, 0U}) {
            bytes.push_back(static_cast<std::uint8_t>(length >> shift));
        }
        bytes.insert(bytes.end(), {0, 0, 0, p.parsed.protocol});
    }
    bytes.insert(bytes.end(), p.frame.begin() + p.parsed.l4_offset,
                 p.frame.begin() + static_cast<long>(end));
    return naive_sum(bytes) == 0;
}

inline Packet to_packet(const SegmentSpec& spec) {
    Packet p;
    store_be16(p.frame.data() + 12, spec.src.is_v4() ? 0x0800 : 0x86dd);
    p.length = 14 + build_tcp_frame(spec, p.frame.data() + 14);
    if (!p.reparse()) {
        p.length = 0;
    }
    return p;
}

struct RigOptions {
    bool v6 = false;
    bool timestamps = false;
    SplicerSettings settings = small_settings();
    std::uint32_t server_isn = 0xfffffff0U; ///< wraps within the first bytes
    std::uint32_t desktop_isn = 0xffffffffU;

    static SplicerSettings small_settings() {
        SplicerSettings s;
        s.capacity = 64;
        s.banner_buffers = 8;
        s.quarantine_entries = 64;
        for (std::size_t i = 0; i < s.secret.size(); ++i) {
            s.secret[i] = static_cast<std::uint8_t>(i * 7 + 1);
        }
        return s;
    }
};

class Rig {
public:
    explicit Rig(const RigOptions& o = {}) : options(o), splicer(o.settings) {
        order.id = 1;
        order.desktop = 7;
        order.source = *IpAddress::parse(o.v6 ? "fd00::10" : "10.1.0.10");
        order.server = *IpAddress::parse(o.v6 ? "2001:db8::5" : "203.0.113.5");
        order.port = 5432;
        order.syn.timestamps = o.timestamps;
        order.syn.order = o.timestamps ? OptionOrder::linux_like : OptionOrder::windows_like;
        order.max_age_ns = 50 * kSecond;
        order.keepalive_ns = 0;
    }

    /// What the Splicer has sent since the last call; each frame's checksum is checked.
    std::vector<SegmentSpec> sent() {
        std::vector<SegmentSpec> out;
        while (const SegmentSpec* s = splicer.out().front()) {
            out.push_back(*s);
            const Packet p = to_packet(*s);
            all_checksums_right = all_checksums_right && p.length != 0 && checksum_right(p);
            splicer.out().pop();
        }
        return out;
    }
    /// The only segment sent; nullopt when it is not exactly one.
    std::optional<SegmentSpec> only() {
        auto all = sent();
        return all.size() == 1 ? std::optional(all[0]) : std::nullopt;
    }
    std::vector<HeldReport> reports() {
        std::vector<HeldReport> out;
        while (const HeldReport* r = splicer.reports().front()) {
            out.push_back(*r);
            splicer.reports().pop();
        }
        return out;
    }
    /// The last report, after dropping the older ones.
    HeldReport last_report() {
        auto all = reports();
        return all.empty() ? HeldReport{} : all.back();
    }
    void pass(std::uint64_t ns, std::uint64_t step = 50 * kMs) {
        for (const std::uint64_t until = now + ns; now < until;) {
            now += std::min(step, until - now);
            splicer.tick(now);
        }
    }

    // --- the server's side ---
    SegmentSpec server_segment(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack,
                               std::string_view payload = {}) {
        SegmentSpec s;
        s.src = order.server;
        s.dst = order.source;
        s.src_port = order.port;
        s.dst_port = held_port;
        s.flags = flags;
        s.seq = seq;
        s.ack = ack;
        s.window = 500;
        s.ttl = 60;
        s.options.timestamps = options.timestamps;
        s.options.ts_val = server_ts;
        s.options.ts_ecr = upstream_ts;
        set_payload(s, payload);
        return s;
    }
    SegmentSpec server_synack() {
        SegmentSpec s = server_segment(tcp_syn | tcp_ack, options.server_isn, iss + 1);
        s.window = 64000;
        s.options.mss = 1400;
        s.options.window_scale = 7;
        s.options.sack_permitted = true;
        return s;
    }
    /// The packet is left in `packet` as the Splicer made it.
    SpliceAction from_server(const SegmentSpec& s) {
        packet = to_packet(s);
        return splicer.from_upstream(ref, packet.frame.data(), packet.parsed, now);
    }
    SpliceAction server_sends(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack,
                              std::string_view payload = {}) {
        return from_server(server_segment(flags, seq, ack, payload));
    }

    // --- the desktop's side ---
    SegmentSpec desktop_segment(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack,
                                std::string_view payload = {}) {
        SegmentSpec s;
        s.src = order.source;
        s.dst = order.server;
        s.src_port = desktop_port;
        s.dst_port = order.port;
        s.flags = flags;
        s.seq = seq;
        s.ack = ack;
        s.window = 1024;
        s.options.timestamps = options.timestamps;
        s.options.ts_val = desktop_ts;
        s.options.ts_ecr = server_ts;
        set_payload(s, payload);
        return s;
    }
    SegmentSpec desktop_syn_segment() {
        SegmentSpec s = desktop_segment(tcp_syn, options.desktop_isn, 0);
        s.window = 64240;
        s.options.mss = 1460;
        s.options.window_scale = order.syn.window_scale;
        s.options.sack_permitted = true;
        s.options.ts_ecr = 0;
        return s;
    }
    SpliceAction from_desktop(const SegmentSpec& s) {
        packet = to_packet(s);
        return splicer.from_desktop(ref, packet.frame.data(), packet.parsed, now);
    }
    SpliceAction desktop_sends(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack,
                               std::string_view payload = {}) {
        return from_desktop(desktop_segment(flags, seq, ack, payload));
    }
    SynOutcome desktop_connects(const SegmentSpec& s) {
        packet = to_packet(s);
        return splicer.desktop_syn(order.desktop, packet.frame.data(), packet.parsed, now);
    }

    // --- whole steps ---
    /// Opens; the SYN is left in `syn`.
    bool dial() {
        const auto opened = splicer.open(order, now);
        if (!opened) {
            return false;
        }
        ref = opened->ref;
        held_port = opened->tuple.source_port;
        const auto first = only();
        if (!first) {
            return false;
        }
        syn = *first;
        iss = syn.seq;
        upstream_ts = syn.options.ts_val;
        return true;
    }
    /// Opens and establishes, 40 ms away.
    bool hold() {
        if (!dial()) {
            return false;
        }
        now += 40 * kMs;
        from_server(server_synack());
        const auto ack = only();
        return ack && ack->flags == tcp_ack && ack->seq == iss + 1 &&
               ack->ack == options.server_isn + 1;
    }
    /// The desktop's SYN; the SYN-ACK is left in `synack`.
    bool connect() {
        now += 10 * kMs;
        const SynOutcome o = desktop_connects(desktop_syn_segment());
        const auto answer = only();
        if (o.verdict != SynVerdict::spliced || o.ref != ref || !answer) {
            return false;
        }
        synack = *answer;
        return true;
    }
    /// Held, connected and acknowledged; drains what was sent and reported.
    bool splice() {
        if (!hold() || !connect()) {
            return false;
        }
        const auto a = desktop_sends(tcp_ack, options.desktop_isn + 1, options.server_isn + 1);
        sent();
        reports();
        return a.verdict == SpliceVerdict::forward;
    }
    [[nodiscard]] std::uint32_t delta() const { return iss - options.desktop_isn; }
    [[nodiscard]] std::uint32_t c() const {
        return options.desktop_isn + 1;
    } ///< desktop's first byte
    [[nodiscard]] std::uint32_t s() const {
        return options.server_isn + 1;
    } ///< server's first byte
    /// Lets everything end and looks for leaks.
    bool nothing_left() {
        pass(200 * kSecond, 500 * kMs);
        return splicer.in_use() == 0 &&
               splicer.free_banner_buffers() == options.settings.banner_buffers;
    }

    static void set_payload(SegmentSpec& s, std::string_view payload) {
        std::copy(payload.begin(), payload.end(), s.payload.begin());
        s.payload_length = static_cast<std::uint16_t>(payload.size());
    }

    RigOptions options;
    Splicer splicer;
    std::uint64_t now = 1'000'000 * kSecond;
    OpenHeld order{};
    SpliceRef ref{};
    std::uint16_t held_port = 0;
    std::uint16_t desktop_port = kDesktopPort;
    std::uint32_t iss = 0;
    std::uint32_t server_ts = 0xfffffffeU;
    std::uint32_t desktop_ts = 77;
    std::uint32_t upstream_ts = 0;
    SegmentSpec syn{};
    SegmentSpec synack{};
    Packet packet{};
    bool all_checksums_right = true;
};

} // namespace foregate::dataplane::splice_test
