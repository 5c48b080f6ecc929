// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/build.h"

#include "dataplane/packet/checksum.h"

#include <algorithm>
#include <cstring>

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kNop = 1;

/// Appends options one by one to a header of at most 40 option bytes.
class OptionWriter {
public:
    explicit OptionWriter(std::uint8_t* at) noexcept : start_(at), at_(at) {}

    void nop() noexcept { *at_++ = kNop; }
    void mss(std::uint16_t value) noexcept {
        begin(2, 4);
        store_be16(at_, value);
        at_ += 2;
    }
    void window_scale(std::uint8_t shift) noexcept {
        begin(3, 3);
        *at_++ = shift;
    }
    void sack_permitted() noexcept { begin(4, 2); }
    void timestamps(std::uint32_t val, std::uint32_t ecr) noexcept {
        begin(8, 10);
        store_be32(at_, val);
        store_be32(at_ + 4, ecr);
        at_ += 8;
    }
    unsigned finish() noexcept {
        while ((at_ - start_) % 4 != 0) {
            nop();
        }
        return static_cast<unsigned>(at_ - start_);
    }

private:
    void begin(std::uint8_t kind, std::uint8_t length) noexcept {
        *at_++ = kind;
        *at_++ = length;
    }

    std::uint8_t* start_;
    std::uint8_t* at_;
};

void write_linux_syn(OptionWriter& w, const SegmentOptions& o) noexcept {
    if (o.sack_permitted) {
        if (!o.timestamps) {
            w.nop();
            w.nop();
        }
        w.sack_permitted();
    } else if (o.timestamps) {
        w.nop();
        w.nop();
    }
    if (o.timestamps) {
        w.timestamps(o.ts_val, o.ts_ecr);
    }
    if (o.window_scale != kNoWindowScale) {
        w.nop();
        w.window_scale(o.window_scale);
    }
}

void write_windows_syn(OptionWriter& w, const SegmentOptions& o) noexcept {
    if (o.window_scale != kNoWindowScale) {
        w.nop();
        w.window_scale(o.window_scale);
    }
    if (o.sack_permitted) {
        if (!o.timestamps) {
            w.nop();
            w.nop();
        }
        w.sack_permitted();
    } else if (o.timestamps) {
        w.nop();
        w.nop();
    }
    if (o.timestamps) {
        w.timestamps(o.ts_val, o.ts_ecr);
    }
}

unsigned write_options(const SegmentOptions& o, std::uint8_t flags, std::uint8_t* at) noexcept {
    OptionWriter w(at);
    if ((flags & tcp_syn) == 0) {
        if (o.timestamps) {
            w.nop();
            w.nop();
            w.timestamps(o.ts_val, o.ts_ecr);
        }
        return w.finish();
    }
    if (o.mss != 0) {
        w.mss(o.mss);
    }
    if (o.order == OptionOrder::linux_like) {
        write_linux_syn(w, o);
    } else {
        write_windows_syn(w, o);
    }
    return w.finish();
}

void write_ipv4(const SegmentSpec& spec, unsigned tcp_length, std::uint8_t* ip) noexcept {
    std::memset(ip, 0, 20);
    ip[0] = 0x45;
    store_be16(ip + 2, static_cast<std::uint16_t>(20 + tcp_length));
    store_be16(ip + 4, spec.ip_id);
    store_be16(ip + 6, spec.dont_fragment ? 0x4000 : 0);
    ip[8] = spec.ttl;
    ip[9] = kProtoTcp;
    std::memcpy(ip + 12, spec.src.v4_wire(), 4);
    std::memcpy(ip + 16, spec.dst.v4_wire(), 4);
    store_be16(ip + 10, checksum_fold(checksum_add(ip, 20, 0)));
}

void write_ipv6(const SegmentSpec& spec, unsigned tcp_length, std::uint8_t* ip) noexcept {
    std::memset(ip, 0, 8);
    ip[0] = 0x60;
    store_be16(ip + 4, static_cast<std::uint16_t>(tcp_length));
    ip[6] = kProtoTcp;
    ip[7] = spec.ttl;
    std::memcpy(ip + 8, spec.src.bytes.data(), 16);
    std::memcpy(ip + 24, spec.dst.bytes.data(), 16);
}

} // namespace

unsigned tcp_options_length(const SegmentOptions& options, std::uint8_t flags) noexcept {
    std::array<std::uint8_t, 48> scratch;
    return write_options(options, flags, scratch.data());
}

unsigned build_tcp_frame(const SegmentSpec& spec, std::uint8_t* out) noexcept {
    const bool v4 = spec.src.is_v4();
    const unsigned ip_header = v4 ? 20 : 40;
    std::uint8_t* tcp = out + ip_header;
    std::memset(tcp, 0, 20);
    store_be16(tcp, spec.src_port);
    store_be16(tcp + 2, spec.dst_port);
    store_be32(tcp + 4, spec.seq);
    store_be32(tcp + 8, spec.ack);
    const unsigned header = 20 + write_options(spec.options, spec.flags, tcp + 20);
    tcp[12] = static_cast<std::uint8_t>(header / 4 << 4);
    tcp[13] = spec.flags;
    store_be16(tcp + 14, spec.window);
    const unsigned payload = std::min<unsigned>(spec.payload_length, kMaxSegmentPayload);
    std::memcpy(tcp + header, spec.payload.data(), payload);
    const unsigned tcp_length = header + payload;
    if (v4) {
        write_ipv4(spec, tcp_length, out);
    } else {
        write_ipv6(spec, tcp_length, out);
    }
    store_be16(tcp + 16, transport_checksum(spec.src, spec.dst, kProtoTcp, tcp, tcp_length));
    return ip_header + tcp_length;
}

} // namespace foregate::dataplane
