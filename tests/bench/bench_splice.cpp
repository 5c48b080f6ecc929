// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench_splice.h"

#include "bench/apart.h"
#include "bench/worker_rig.h"

#include <random>
#include <rte_cycles.h>
#include <stdexcept>
#include <string>

namespace foregate::bench {

using namespace dataplane;

namespace {

constexpr unsigned kBatch = WorkerRig::kBatch;
constexpr unsigned kBatches = 128; ///< of data, in a run
constexpr unsigned kMade = 4;      ///< batches of splices made in a run
constexpr std::uint32_t kServerFirst = 0x70000000; ///< the servers' initial sequence number
constexpr std::uint32_t kDesktopFirst = 0x20000000;

std::uint32_t load32(const std::uint8_t* at) {
    return static_cast<std::uint32_t>(at[0]) << 24 | static_cast<std::uint32_t>(at[1]) << 16 |
           static_cast<std::uint32_t>(at[2]) << 8 | at[3];
}

/// One connection of each desktop; what the gateway chose for the held side is read from its SYN.
class Splices {
public:
    explicit Splices(std::uint32_t count)
        : rig_({.flows = 1U << 16, .threats = 100, .held = 16384}), held_(count) {}

    /// Opens, holds and splices connections first..first+kBatch-1; TSC cycles of the desktops' SYNs and ACKs.
    std::uint64_t make(std::uint32_t first) {
        for (std::uint32_t i = first; i < first + kBatch; ++i) {
            order(i);
        }
        (void)rig_.idle(kBatch);
        unsigned dialed = 0;
        (void)rig_.take_away([&](const std::uint8_t* frame) { dialed += note_dial(frame); });
        if (dialed != kBatch) {
            throw std::runtime_error(std::to_string(dialed) + " of " + std::to_string(kBatch) + " connections were dialed");
        }
        send(first, [this](std::uint32_t i) { return from_server(i, tcp_syn | tcp_ack); }, false);
        const std::uint64_t syn = send(first, [this](std::uint32_t i) { return from_desktop(i, tcp_syn); }, true);
        return syn + send(first, [this](std::uint32_t i) { return from_desktop(i, tcp_ack); }, true);
    }

    /// As many plain connections of the same desktops.
    void make_plain() { rig_.establish(plain(0), plain(static_cast<std::uint32_t>(held_.size()))); }

    /// TSC cycles a packet with data of random connections, both ways.
    double data(bool spliced) {
        std::vector<double> batches;
        std::uint64_t packets = 0;
        for (unsigned batch = 0; batch < kBatches; ++batch) {
            for (unsigned k = 0; k < kBatch; ++k) {
                const auto up = static_cast<std::uint32_t>(random_() % held_.size());
                const auto down = static_cast<std::uint32_t>(random_() % held_.size());
                if (spliced) {
                    rig_.arrive(from_desktop(up, tcp_ack | tcp_psh), true);
                    rig_.arrive(from_server(down, tcp_ack | tcp_psh), false);
                } else {
                    rig_.arrive(plain(up), true, tcp_ack | tcp_psh);
                    rig_.arrive(plain(down), false, tcp_ack | tcp_psh);
                }
            }
            batches.push_back(static_cast<double>(rig_.work()) / (2.0 * kBatch));
            packets += rig_.take_away();
        }
        rig_.expect_no_drops();
        if (packets != std::uint64_t{2} * kBatches * kBatch) {
            throw std::runtime_error("packets were answered or kept instead of being forwarded");
        }
        return median_of(std::move(batches)); // see bench_pipeline.cpp
    }

    void expect_spliced(std::uint64_t count) {
        const std::uint64_t spliced = rig_.worker().counters().read(Counter::splices);
        if (spliced != count) {
            throw std::runtime_error(std::to_string(spliced) + " connections were spliced, not " + std::to_string(count));
        }
    }

private:
    struct Held {
        std::uint16_t port = 0;
        std::uint32_t first_sequence = 0;
    };

    [[nodiscard]] static std::uint32_t plain(std::uint32_t i) { return i + 7 * kDesktops; }

    void order(std::uint32_t i) {
        const FlowEnds ends(i);
        OpenHeld open;
        open.id = i + 1;
        open.desktop = ends.desktop_number;
        open.usage_class = 1;
        open.source = ends.desktop;
        open.server = ends.server;
        open.port = ends.server_port;
        open.keepalive_ns = 0;
        if (!rig_.worker().orders().post(open)) {
            throw std::runtime_error("the worker takes no more orders");
        }
    }

    unsigned note_dial(const std::uint8_t* frame) {
        const std::uint32_t i = (load32(frame + 26) & 0xffff) - 1; // desktops are numbered from 198.18.0.1 on
        held_.at(i) = {static_cast<std::uint16_t>(load32(frame + 34) >> 16), load32(frame + 38)};
        return (frame[47] & tcp_syn) != 0 ? 1 : 0;
    }

    SegmentSpec& segment(std::uint8_t flags) {
        segment_.flags = flags;
        segment_.window = 64'240;
        segment_.options = SegmentOptions{};
        segment_.payload_length = (flags & tcp_psh) != 0 ? 6 : 0;
        if ((flags & tcp_syn) != 0) {
            segment_.options.mss = 1460;
            segment_.options.window_scale = SynTemplate{}.window_scale;
            segment_.options.sack_permitted = true;
        }
        segment_.payload.fill(0x05);
        return segment_;
    }

    const SegmentSpec& from_server(std::uint32_t i, std::uint8_t flags) {
        const FlowEnds ends(i);
        SegmentSpec& s = segment(flags);
        s.src = ends.server;
        s.dst = ends.desktop;
        s.src_port = ends.server_port;
        s.dst_port = held_[i].port;
        s.seq = kServerFirst + ((flags & tcp_syn) != 0 ? 0U : 1U);
        s.ack = held_[i].first_sequence + 1;
        return s;
    }

    const SegmentSpec& from_desktop(std::uint32_t i, std::uint8_t flags) {
        const FlowEnds ends(i);
        SegmentSpec& s = segment(flags);
        s.src = ends.desktop;
        s.dst = ends.server;
        s.src_port = ends.desktop_port;
        s.dst_port = ends.server_port;
        s.seq = kDesktopFirst + ((flags & tcp_syn) != 0 ? 0U : 1U);
        s.ack = (flags & tcp_ack) != 0 ? kServerFirst + 1 : 0;
        return s;
    }

    template <typename Make>
    std::uint64_t send(std::uint32_t first, Make&& segment_of, bool up) {
        for (std::uint32_t i = first; i < first + kBatch; ++i) {
            rig_.arrive(segment_of(i), up);
        }
        const std::uint64_t cycles = rig_.work();
        (void)rig_.take_away();
        return cycles;
    }

    WorkerRig rig_;
    std::vector<Held> held_;
    SegmentSpec segment_{};
    std::mt19937 random_{1};
};

std::vector<BenchResult> run() {
    constexpr std::uint32_t kCount = (kRuns + 1) * kMade * kBatch;
    Splices splices(kCount);
    std::vector<double> making, rate, extra;
    std::uint32_t next = 0;
    for (int run = 0; run <= kRuns; ++run) {
        std::vector<double> batches;
        for (unsigned i = 0; i < kMade; ++i, next += kBatch) {
            batches.push_back(static_cast<double>(splices.make(next)) / kBatch);
        }
        if (run != 0) { // the first one warms up
            making.push_back(median_of(std::move(batches)));
            rate.push_back(static_cast<double>(rte_get_tsc_hz()) / making.back());
        }
    }
    splices.expect_spliced(kCount);
    splices.make_plain();
    (void)splices.data(false);
    (void)splices.data(true);
    for (int i = 0; i < kRuns; ++i) { // in turn: both see the same neighbours
        const double plain = splices.data(false);
        extra.push_back(splices.data(true) - plain);
    }
    return {summarise("spliced_extra_cycles", "cycles/packet", extra), summarise("splice_cycles", "cycles/splice", making),
            summarise("splices_per_second", "1/s", rate)};
}

} // namespace

std::vector<BenchResult> bench_splice() { return run_apart(run); }

} // namespace foregate::bench
