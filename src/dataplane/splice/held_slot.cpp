// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/splice/held_slot.h"

#include <algorithm>

namespace foregate::dataplane {

namespace {

void address_upstream(const HeldSlot& s, SegmentSpec& out) noexcept {
    out.src = s.tuple.source;
    out.dst = s.tuple.server;
    out.src_port = s.tuple.source_port;
    out.dst_port = s.tuple.server_port;
    out.ttl = s.order.syn.ttl;
    out.dont_fragment = s.order.syn.dont_fragment;
    out.ip_id = out.dont_fragment ? std::uint16_t{0}
                                  : static_cast<std::uint16_t>(s.iss + s.sent_ns / 1'000'000);
    out.to_desktop = false;
    out.options = SegmentOptions{};
    out.payload_length = 0;
}

void address_desktop(const HeldSlot& s, SegmentSpec& out) noexcept {
    out.src = s.tuple.server;
    out.dst = s.tuple.source;
    out.src_port = s.tuple.server_port;
    out.dst_port = s.terms.desktop_port;
    out.ttl = s.server_ttl;
    out.dont_fragment = true;
    out.ip_id = 0;
    out.to_desktop = true;
    out.options = SegmentOptions{};
    out.payload_length = 0;
}

} // namespace

std::uint16_t held_window(const SynTemplate& syn, unsigned segments) noexcept {
    const std::uint32_t unit = 1U << (syn.window_scale == kNoWindowScale ? 0 : syn.window_scale);
    const std::uint32_t wanted = std::min<std::uint32_t>(syn.mss * segments, 0xffff);
    return static_cast<std::uint16_t>(std::max(wanted / unit * unit, unit));
}

std::uint16_t advance_window(HeldSlot& s) noexcept {
    const std::uint32_t unit =
        1U << (s.agreed.our_scale == kNoWindowScale ? 0 : s.agreed.our_scale);
    const std::uint32_t left = s.right_edge - s.rcv_nxt;
    const std::uint32_t field = std::min<std::uint32_t>((left + unit - 1) / unit, 0xffff);
    s.right_edge = s.rcv_nxt + field * unit;
    return static_cast<std::uint16_t>(field);
}

void fill_upstream_syn(const HeldSlot& s, std::uint64_t now_ns, SegmentSpec& out) noexcept {
    address_upstream(s, out);
    out.flags = tcp_syn;
    out.seq = s.iss;
    out.ack = 0;
    out.window = s.first_window;
    out.options.mss = s.order.syn.mss;
    out.options.window_scale = s.order.syn.window_scale;
    out.options.sack_permitted = s.order.syn.sack_permitted;
    out.options.timestamps = s.order.syn.timestamps;
    out.options.ts_val = ts_clock(s, now_ns);
    out.options.order = s.order.syn.order;
}

void fill_upstream(HeldSlot& s, std::uint8_t flags, std::uint32_t seq, std::uint64_t now_ns,
                   SegmentSpec& out) noexcept {
    address_upstream(s, out);
    out.flags = flags;
    out.seq = seq;
    out.ack = s.rcv_nxt;
    out.window = advance_window(s);
    out.options.timestamps = s.agreed.timestamps;
    out.options.ts_val = ts_clock(s, now_ns);
    out.options.ts_ecr = s.ts_recent;
}

void fill_upstream_reset(const HeldSlot& s, std::uint32_t seq, SegmentSpec& out) noexcept {
    address_upstream(s, out);
    out.flags = tcp_rst;
    out.seq = seq;
    out.ack = 0;
    out.window = 0;
}

void fill_desktop_synack(const HeldSlot& s, std::uint16_t inner_mtu, SegmentSpec& out) noexcept {
    address_desktop(s, out);
    out.flags = tcp_syn | tcp_ack;
    out.seq = s.irs;
    out.ack = s.desktop_isn + 1;
    out.window = static_cast<std::uint16_t>(std::min<std::uint32_t>(s.server_window, 0xffff));
    const std::uint16_t headers = s.tuple.server.is_v4() ? 40 : 60;
    const auto inner = static_cast<std::uint16_t>(inner_mtu - headers);
    out.options.mss = std::min(s.agreed.server_mss, inner);
    out.options.window_scale = s.agreed.server_scale;
    out.options.sack_permitted = s.agreed.sack;
    out.options.timestamps = s.agreed.timestamps;
    out.options.ts_val = s.ts_recent - s.terms.server_ts_delta;
    out.options.ts_ecr = s.desktop_ts;
    out.options.order = s.order.syn.order;
}

void fill_desktop_data(const HeldSlot& s, std::uint32_t seq, SegmentSpec& out) noexcept {
    address_desktop(s, out);
    out.flags = tcp_ack | tcp_psh;
    out.seq = seq;
    out.ack = s.server_acked - s.terms.seq_delta;
    out.window = s.server_window_field;
    out.options.timestamps = s.agreed.timestamps;
    out.options.ts_val = s.ts_recent - s.terms.server_ts_delta;
    out.options.ts_ecr = s.desktop_ts;
}

namespace {

void make_question(const HeldSlot& s, SegmentSpec& out) noexcept {
    out.flags = tcp_ack;
    out.seq = s.iss; // of the slot, secret: it has nothing to do with the connection's own numbers
    out.ack = s.iss;
    out.window = 0;
    out.options.timestamps = s.agreed.timestamps;
}

} // namespace

void fill_upstream_question(const HeldSlot& s, SegmentSpec& out) noexcept {
    address_upstream(s, out);
    make_question(s, out);
}

void fill_desktop_question(const HeldSlot& s, SegmentSpec& out) noexcept {
    address_desktop(s, out);
    make_question(s, out);
}

void fill_desktop_reset(const HeldSlot& s, std::uint32_t seq, bool with_ack, std::uint32_t ack,
                        SegmentSpec& out) noexcept {
    address_desktop(s, out);
    out.flags = with_ack ? tcp_rst | tcp_ack : tcp_rst;
    out.seq = seq;
    out.ack = with_ack ? ack : 0;
    out.window = 0;
}

} // namespace foregate::dataplane
