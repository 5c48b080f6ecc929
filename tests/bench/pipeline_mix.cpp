// SPDX-License-Identifier: BSD-3-Clause
#include "bench/captured_frames.h"
#include "bench/names.h"
#include "bench/pipeline_parts.h"
#include "bench/worker_rig.h"
#include "packet/packet_builder.h"

#include <algorithm>
#include <iostream>
#include <random>

namespace foregate::bench {

using namespace dataplane;

namespace {

constexpr unsigned kBatch = WorkerRig::kBatch;

// Frames of a capture follow each other closely: no more at once than two bursts hold, so that answers stay behind questions.
constexpr unsigned kAtOnce = 2 * kBurst;

struct Pass {
    std::vector<double> batches; ///< cycles a packet
    std::uint64_t packets = 0;
    std::uint64_t forwarded = 0;
};

Pass replay(WorkerRig& rig, std::span<const CapturedFrame> frames) {
    Pass pass;
    double cycles = 0;
    unsigned counted = 0;
    for (std::size_t at = 0; at < frames.size();) {
        unsigned put = 0;
        for (; put < kAtOnce && at < frames.size(); ++put, ++at) {
            rig.arrive_frame(frames[at].bytes, frames[at].up);
        }
        cycles += static_cast<double>(rig.work());
        counted += put;
        pass.packets += put;
        pass.forwarded += rig.take_away();
        if (counted >= 2 * kBatch) {
            pass.batches.push_back(cycles / counted);
            cycles = 0;
            counted = 0;
        }
    }
    return pass;
}

double mean_of(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) {
        sum += value;
    }
    return sum / static_cast<double>(values.size());
}

} // namespace

std::vector<BenchResult> captured_mix(const std::string& folder, Effort effort) {
    const CapturedFrames captured(folder);
    WorkerRig rig({.flows = 1U << 18, .threats = 0});
    rig.publish(captured.tables(kPipelineThreats));
    // The first pass makes and classifies every flow; its batches differ, so their mean tells, not their median.
    const Pass first = replay(rig, captured.frames());
    std::vector<double> later;
    Pass again;
    for (int run = 0; run < effort.runs; ++run) {
        again = replay(rig, captured.frames());
        later.push_back(median_of(again.batches));
    }
    const auto flows = rig.worker().flow_count();
    std::cerr << "captures: " << captured.frames().size() << " frames of " << captured.files() << " files, "
              << captured.left_out() << " left out; " << flows << " flows, " << again.forwarded << " forwarded in a pass\n";
    if (again.forwarded < again.packets / 2) {
        throw std::runtime_error("most frames of the captures are not forwarded");
    }
    const double all = static_cast<double>(captured.frames().size());
    return {summarise("mix_captures_first_pass_cycles", "cycles/packet", {mean_of(first.batches)}),
            summarise("mix_captures_cycles", "cycles/packet", later),
            summarise("mix_captures_frames", "packets", {all}),
            summarise("mix_captures_forwarded_share", "1", {static_cast<double>(again.forwarded) / all})};
}

namespace {

/// Half TCP over IPv4, the rest as a fleet's links carry it: see docs/performance.md.
class MadeMix {
public:
    MadeMix() : rig_({.flows = 1U << 18, .threats = kPipelineThreats}) {
        rig_.establish(0, kFlows);
        for (std::uint32_t i = 0; i < kFlows; i += kBatch) {
            for (std::uint32_t k = i; k < i + kBatch; ++k) {
                arrive_ipv6(k, k % 2 == 0);
            }
            (void)rig_.work();
            (void)rig_.take_away();
        }
        for (std::uint32_t i = 0; i < kMade; ++i) {
            voice_.push_back(datagram(i, 4000, 172));
            quic_.push_back(datagram(kMade + i, 443, 1250));
        }
    }

    double batch() {
        for (unsigned i = 0; i < 2 * kBatch; ++i) {
            arrive_one(i % 2 == 0, static_cast<unsigned>(random_() % 100));
        }
        const auto cycles = static_cast<double>(rig_.work());
        return cycles / rig_.take_away();
    }
    void expect_no_drops() { rig_.expect_no_drops(); }

private:
    static constexpr std::uint32_t kFlows = 65'536;
    static constexpr std::uint32_t kMade = 4096;

    void arrive_one(bool up, unsigned percent) {
        const auto flow = static_cast<std::uint32_t>(random_() % kFlows);
        if (percent < 50) {
            rig_.arrive_long(flow, up, up ? kFrameBytes : 1514);
        } else if (percent < 65) {
            arrive_ipv6(flow, up);
        } else if (percent < 83) {
            rig_.arrive_frame(quic_[flow % kMade], true);
        } else if (percent < 93) {
            rig_.arrive_frame(voice_[flow % kMade], true);
        } else if (percent < 97) {
            rig_.arrive(next_++, true, tcp_syn);
        } else {
            rig_.arrive_frame(question(next_++), true);
        }
    }

    void arrive_ipv6(std::uint32_t number, bool up) {
        const FlowEnds ends(number);
        segment_.src = ipv6_of(up ? ends.desktop : ends.server);
        segment_.dst = ipv6_of(up ? ends.server : ends.desktop);
        segment_.src_port = up ? ends.desktop_port : ends.server_port;
        segment_.dst_port = up ? ends.server_port : ends.desktop_port;
        segment_.flags = tcp_ack;
        segment_.seq = segment_.ack = 1;
        segment_.window = 64'240;
        segment_.payload_length = up ? 0 : 1200;
        rig_.arrive(segment_, up);
    }

    static std::vector<std::uint8_t> datagram(std::uint32_t number, std::uint16_t port, std::size_t bytes) {
        const FlowEnds ends(number);
        packet_test::PacketBuilder builder;
        return builder.eth({}, neighbour_mac(ends.desktop))
            .ipv4(ends.desktop.to_string(), ends.server.to_string())
            .udp(ends.desktop_port, port)
            .payload(packet_test::Bytes(bytes, 0x40))
            .build();
    }
    static std::vector<std::uint8_t> question(std::uint32_t number) {
        const FlowEnds ends(number);
        packet_test::PacketBuilder builder;
        return builder.eth({}, neighbour_mac(ends.desktop))
            .ipv4(ends.desktop.to_string(), ends.server.to_string())
            .udp(ends.desktop_port, 53)
            .payload(dns_question(static_cast<std::uint16_t>(number), name_of(number)))
            .build();
    }

    WorkerRig rig_;
    std::mt19937 random_{9};
    SegmentSpec segment_{};
    std::vector<std::vector<std::uint8_t>> quic_, voice_;
    std::uint32_t next_ = kFlows;
};

} // namespace

std::vector<BenchResult> made_mix(Effort effort) {
    MadeMix mix;
    std::vector<double> cycles;
    for (int run = 0; run <= effort.runs; ++run) {
        std::vector<double> batches;
        for (unsigned i = 0; i < effort.batches; ++i) {
            batches.push_back(mix.batch());
        }
        if (run != 0) {
            cycles.push_back(median_of(std::move(batches)));
        }
    }
    mix.expect_no_drops();
    return {summarise("mix_made_cycles", "cycles/packet", cycles)};
}

} // namespace foregate::bench
