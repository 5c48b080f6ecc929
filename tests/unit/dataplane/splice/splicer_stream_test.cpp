// SPDX-License-Identifier: BSD-3-Clause
// Two small TCP endpoints talk through a Splicer over links that lose, repeat and reorder. Both
// byte streams must arrive whole, across the wrap of all sequence numbers, and nothing may be left
// over.
#include "splice_rig.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>

namespace foregate::dataplane {
namespace {

using namespace splice_test;

/// Go-back-N with cumulative ACKs; enough TCP to find any mistake in translated numbers.
class TinyTcp {
public:
    enum class State { idle, syn_sent, syn_received, established };

    SegmentSpec address; ///< ports, addresses, TTL of what it sends
    bool timestamps = false;
    std::string to_send;
    std::string received;
    bool close_after_sending = true;
    std::uint32_t iss = 0;
    State state = State::idle;
    bool reset = false;
    bool impossible_ack = false; ///< acknowledged what was never sent
    bool bad_checksum = false;
    std::function<void(const SegmentSpec&)> transmit;

    void connect(std::uint64_t now) {
        state = State::syn_sent;
        retry_at_ = now;
    }
    [[nodiscard]] bool done() const { return fin_received_ && una_ == to_send.size() + 1; }

    void poll(std::uint64_t now) {
        if (state == State::idle || now < retry_at_) {
            return;
        }
        retry_at_ = now + (state == State::established ? 300 * kMs : kSecond);
        if (state == State::established) {
            next_ = una_;
            push();
        } else {
            send(state == State::syn_sent ? tcp_syn : tcp_syn | tcp_ack, iss, {});
        }
    }

    void receive(Packet& p, std::uint64_t now) {
        bad_checksum = bad_checksum || !checksum_right(p);
        const std::uint8_t flags = p.parsed.tcp_flags;
        const TcpOptions o = p.options();
        if ((flags & tcp_rst) != 0) {
            reset = true;
            return;
        }
        ts_echo_ = o.timestamps ? o.ts_val : ts_echo_;
        if ((flags & tcp_syn) != 0) {
            on_syn(p, now);
            return;
        }
        if (state == State::syn_received && p.ack() == iss + 1) {
            state = State::established;
            retry_at_ = now;
        }
        if (state != State::established || (flags & tcp_ack) == 0) {
            return;
        }
        on_ack(p.ack() - (iss + 1), now);
        on_data(p, flags);
    }

private:
    void on_syn(Packet& p, std::uint64_t now) {
        if (state == State::idle) {
            irs_ = p.seq();
            state = State::syn_received;
            retry_at_ = now;
        } else if (state == State::syn_sent && p.ack() == iss + 1) {
            irs_ = p.seq();
            state = State::established;
            send(tcp_ack, iss + 1, {});
            retry_at_ = now;
        } else if (state == State::established) {
            send(tcp_ack, iss + 1 + next_, {});
        }
    }
    void on_ack(std::uint32_t offset, std::uint64_t now) {
        if (static_cast<std::int32_t>(offset) < 0 || offset <= una_) {
            return;
        }
        impossible_ack = impossible_ack || offset > to_send.size() + 1 || offset > highest_;
        una_ = offset;
        next_ = std::max(next_, una_);
        retry_at_ = now + 300 * kMs;
        push();
    }
    void on_data(Packet& p, std::uint8_t flags) {
        const std::string data = p.payload();
        const bool fin = (flags & tcp_fin) != 0;
        if (data.empty() && !fin) {
            return;
        }
        const std::uint32_t at = p.seq() - (irs_ + 1);
        if (at <= received.size() && at + data.size() >= received.size()) {
            received += data.substr(received.size() - at);
            fin_received_ = fin_received_ || fin;
        }
        send(tcp_ack, iss + 1 + next_, {});
    }
    void push() {
        while (next_ < una_ + 12000 && next_ < to_send.size()) {
            const std::string part = to_send.substr(next_, 1200);
            send(tcp_ack | tcp_psh, iss + 1 + next_, part);
            next_ += static_cast<std::uint32_t>(part.size());
        }
        if (next_ == to_send.size() && close_after_sending) {
            send(tcp_fin | tcp_ack, iss + 1 + next_, {});
            ++next_;
        }
        highest_ = std::max(highest_, next_);
    }
    void send(std::uint8_t flags, std::uint32_t seq, std::string_view data) {
        SegmentSpec s = address;
        s.flags = flags;
        s.seq = seq;
        const auto got = static_cast<std::uint32_t>(received.size() + (fin_received_ ? 1 : 0));
        s.ack = (flags & tcp_ack) != 0 ? irs_ + 1 + got : 0;
        s.window = (flags & tcp_syn) != 0 ? 64240 : 1000;
        s.options.mss = 1460;
        s.options.window_scale = 8;
        s.options.sack_permitted = true;
        s.options.timestamps = timestamps;
        s.options.ts_val = ++ts_clock_;
        s.options.ts_ecr = ts_echo_;
        Rig::set_payload(s, data);
        transmit(s);
    }

    std::uint32_t irs_ = 0;
    std::uint32_t una_ = 0;
    std::uint32_t next_ = 0;
    std::uint32_t highest_ = 0;
    std::uint32_t ts_clock_ = 0xfffffff0U;
    std::uint32_t ts_echo_ = 0;
    bool fin_received_ = false;
    std::uint64_t retry_at_ = 0;
};

struct Link {
    double loss = 0;
    std::uint64_t delay_ms = 1;
    std::uint64_t jitter_ms = 0;
};

/// Server, gateway and desktop on one simulated clock.
class World {
public:
    World(std::uint32_t seed, const RigOptions& o, Link upstream, Link inner)
        : rig(o), random_(seed), upstream_(upstream), inner_(inner) {
        desktop.address = rig.desktop_segment(0, 0, 0);
        desktop.timestamps = server.timestamps = o.timestamps;
        desktop.iss = 0xfffff000U + seed;
        server.iss = 0xffffff00U + seed;
        server.transmit = [this](const SegmentSpec& s) {
            later(upstream_, [this, s] { at_gateway_from_server(s); });
        };
        desktop.transmit = [this](const SegmentSpec& s) {
            later(inner_, [this, s] { at_gateway_from_desktop(s); });
        };
    }
    bool open() {
        const auto opened = rig.splicer.open(rig.order, rig.now);
        if (!opened) {
            return false;
        }
        ref_ = opened->ref;
        server.address = rig.server_segment(0, 0, 0);
        server.address.dst_port = opened->tuple.source_port;
        drain();
        return true;
    }
    void run(std::uint64_t ns, const std::function<bool()>& until) {
        for (const std::uint64_t end = rig.now + ns; rig.now < end && !until();) {
            rig.now += kMs;
            while (!events_.empty() && events_.begin()->first <= rig.now) {
                const auto act = events_.begin()->second;
                events_.erase(events_.begin());
                act();
            }
            server.poll(rig.now);
            desktop.poll(rig.now);
            rig.splicer.tick(rig.now);
            drain();
        }
    }

    Rig rig;
    TinyTcp server;
    TinyTcp desktop;
    unsigned spliced_syns = 0;

private:
    void later(const Link& link, const std::function<void()>& act) {
        std::uniform_real_distribution<double> chance(0, 1);
        const unsigned copies = chance(random_) < link.loss   ? 0
                                : chance(random_) < link.loss ? 2
                                                              : 1;
        for (unsigned i = 0; i < copies; ++i) {
            const std::uint64_t jitter = link.jitter_ms == 0 ? 0 : random_() % link.jitter_ms;
            events_.emplace(rig.now + (link.delay_ms + jitter) * kMs, act);
        }
    }
    void drain() {
        for (const auto& s : rig.sent()) {
            deliver(to_packet(s), s.to_desktop);
        }
    }
    void deliver(const Packet& p, bool to_desktop) {
        if (to_desktop) {
            later(inner_, [this, q = Packet(p)]() mutable { desktop.receive(q, rig.now); });
        } else {
            later(upstream_, [this, q = Packet(p)]() mutable { server.receive(q, rig.now); });
        }
    }
    void at_gateway_from_server(const SegmentSpec& s) {
        Packet p = to_packet(s);
        const auto a = rig.splicer.from_upstream(ref_, p.frame.data(), p.parsed, rig.now);
        drain();
        if (a.verdict == SpliceVerdict::forward) {
            p.reparse();
            deliver(p, true);
        }
    }
    void at_gateway_from_desktop(const SegmentSpec& s) {
        Packet p = to_packet(s);
        auto a = rig.splicer.from_desktop(ref_, p.frame.data(), p.parsed, rig.now);
        if (a.verdict == SpliceVerdict::stale && s.flags == tcp_syn) {
            const auto o = rig.splicer.desktop_syn(7, p.frame.data(), p.parsed, rig.now);
            spliced_syns += o.verdict == SynVerdict::spliced ? 1 : 0;
        }
        drain();
        if (a.verdict == SpliceVerdict::forward) {
            p.reparse();
            deliver(p, false);
        }
    }

    std::mt19937 random_;
    Link upstream_;
    Link inner_;
    SpliceRef ref_{};
    std::multimap<std::uint64_t, std::function<void()>> events_;
};

std::string noise(std::size_t size, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::string s(size, '\0');
    for (auto& c : s) {
        c = static_cast<char>(random());
    }
    return s;
}

struct Run {
    bool v6;
    bool timestamps;
    std::size_t banner;
    double loss;
};

/// True when the desktop's connection was spliced and carried everything.
bool transfer(std::uint32_t seed, const Run& run) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << " banner " << run.banner);
    RigOptions o{.v6 = run.v6, .timestamps = run.timestamps};
    World w(seed, o, {run.loss, 20, run.loss > 0 ? 5U : 0U}, {run.loss, 1, run.loss > 0 ? 3U : 0U});
    w.rig.order.max_age_ns = 1000 * kSecond;
    w.server.to_send = noise(run.banner, seed);
    w.server.close_after_sending = false;
    if (!w.open()) {
        ADD_FAILURE();
        return false;
    }
    w.run(9 * kSecond, [] { return false; });
    if (w.rig.splicer.in_use() == 0) {
        // A lossy dial or a repeated SYN-ACK took it out of the pool: allowed, and nothing leaks.
        EXPECT_GT(run.loss, 0.0);
        EXPECT_TRUE(w.rig.nothing_left());
        return false;
    }
    w.server.to_send += noise(150'000, seed + 1);
    w.server.close_after_sending = true;
    w.desktop.to_send = noise(90'000, seed + 2);
    w.desktop.connect(w.rig.now);
    w.run(600 * kSecond, [&] { return w.desktop.done() && w.server.done(); });
    EXPECT_GE(w.spliced_syns, 1U);
    EXPECT_TRUE(w.desktop.received == w.server.to_send) << w.desktop.received.size();
    EXPECT_TRUE(w.server.received == w.desktop.to_send) << w.server.received.size();
    for (const TinyTcp* end : {&w.server, &w.desktop}) {
        EXPECT_FALSE(end->impossible_ack);
        EXPECT_FALSE(end->bad_checksum);
        EXPECT_FALSE(end->reset);
    }
    EXPECT_TRUE(w.rig.all_checksums_right);
    EXPECT_TRUE(w.rig.nothing_left());
    return w.spliced_syns != 0;
}

TEST(SplicerStream, CleanLinks) {
    for (const std::size_t banner : {std::size_t{0}, std::size_t{1}, std::size_t{2816}}) {
        EXPECT_TRUE(transfer(1, {false, false, banner, 0}));
        EXPECT_TRUE(transfer(2, {true, true, banner, 0}));
    }
}

TEST(SplicerStream, LossDuplicatesAndReordering) {
    unsigned spliced = 0;
    for (std::uint32_t seed = 1; seed <= 12; ++seed) {
        spliced +=
            transfer(seed, {seed % 2 == 0, seed % 3 == 0, (seed * 311) % 2800, 0.03}) ? 1 : 0;
    }
    EXPECT_GE(spliced, 6U);
}

} // namespace
} // namespace foregate::dataplane
