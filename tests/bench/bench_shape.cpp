// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench_shape.h"

#include <algorithm>
#include <array>
#include <memory>
#include <random>

#include <x86intrin.h>

#include "dataplane/shape/shaper.h"

namespace foregate::bench {
namespace {

using dataplane::ShapeDrop;
using dataplane::Shaper;
using dataplane::ShaperSettings;
using dataplane::TrafficClass;

constexpr unsigned kBurst = 32;
constexpr uint32_t kLength = 700;
constexpr uint64_t kPort = 100'000'000'000;
constexpr uint64_t kBurstNs = uint64_t{kBurst} * kLength * 8'000'000'000 / kPort;

// A scheduler with so many desktops and a simulated clock that moves on by a burst's time on the
// wire; the packets are numbers, as the scheduler never looks into them.
class Load {
public:
    Load(uint32_t desktops, uint64_t ceiling_bps) : desktops_(desktops) {
        ShaperSettings settings;
        settings.link_rate_bps = kPort;
        settings.max_pipes = desktops + 1;
        settings.slots = 1U << 18;
        settings.drop_sink = [](void* context, void*, ShapeDrop) noexcept {
            ++*static_cast<uint64_t*>(context);
        };
        settings.drop_context = &dropped_;
        shaper_ = std::make_unique<Shaper>(settings);
        for (uint32_t pipe = 1; pipe <= desktops; ++pipe) {
            shaper_->set_pipe(pipe, {1'000'000, ceiling_bps, 1}, now_ns_);
        }
        std::mt19937 random(1);
        for (Target& target : targets_) {
            target = {1 + static_cast<uint32_t>(random() % desktops),
                      static_cast<uint32_t>(random())};
        }
    }

    void fill(uint32_t packets_each) {
        for (uint32_t i = 0; i < packets_each; ++i) {
            for (uint32_t pipe = 1; pipe <= desktops_; ++pipe) {
                enqueue({pipe, pipe});
            }
        }
    }

    // Bursts in, bursts out; returns cycles a packet.
    double in_and_out(unsigned bursts) {
        uint64_t packets = 0;
        const uint64_t start = __rdtsc();
        for (unsigned b = 0; b < bursts; ++b) {
            const Target* burst = &targets_[position_];
            position_ = (position_ + kBurst) % targets_.size();
            std::array<dataplane::OfferedPacket, kBurst> offered;
            for (unsigned i = 0; i < kBurst; ++i) {
                offered[i] = packet_to(burst[i]);
            }
            now_ns_ += 2 * kBurstNs; // half load: the scheduler's work, not the wire's, is asked for
            void* out[kBurst];
            void* refused[kBurst];
            const unsigned straight = shaper_->offer(offered, out, kBurst, refused, now_ns_).straight;
            packets += straight;
            if (straight < kBurst) {
                packets += shaper_->dequeue(out, kBurst - straight, now_ns_);
            }
        }
        return static_cast<double>(__rdtsc() - start) /
               static_cast<double>(std::max<uint64_t>(packets, 1));
    }

    // All desktops at their ceiling: what goes out comes in again at the same desktop, outside the
    // clock; only dequeue counts.
    double out_only(unsigned bursts) {
        uint64_t packets = 0, cycles = 0;
        for (unsigned b = 0; b < bursts; ++b) {
            now_ns_ += 20'000;
            void* out[kBurst];
            for (;;) {
                const uint64_t start = __rdtsc();
                const unsigned count = shaper_->dequeue(out, kBurst, now_ns_);
                cycles += __rdtsc() - start;
                packets += count;
                for (unsigned i = 0; i < count; ++i) {
                    const auto pipe = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(out[i]));
                    enqueue({pipe, pipe});
                }
                if (count < kBurst) {
                    break;
                }
            }
        }
        return static_cast<double>(cycles) / static_cast<double>(std::max<uint64_t>(packets, 1));
    }

    // Another ceiling and floor for so many desktops, in place; returns cycles a change.
    double change_rates(uint32_t count) {
        ++round_;
        const uint64_t start = __rdtsc();
        for (uint32_t pipe = 1; pipe <= count; ++pipe) {
            shaper_->set_pipe(pipe, {1'000'000 + round_ * 1000, 50'000'000 + round_ * 1000, 1},
                              now_ns_);
        }
        return static_cast<double>(__rdtsc() - start) / count;
    }

private:
    struct Target {
        uint32_t pipe = 0;
        uint32_t flow_hash = 0;
    };

    static dataplane::OfferedPacket packet_to(Target to) {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): an opaque handle
        return {reinterpret_cast<void*>(static_cast<uintptr_t>(to.pipe)), kLength, to.pipe, 0, to.flow_hash,
                TrafficClass::regular};
    }
    void enqueue(Target to) {
        const dataplane::OfferedPacket p = packet_to(to);
        shaper_->enqueue(p.handle, p.length, p.pipe, p.allotment, p.flow_hash, p.traffic_class, now_ns_);
    }

    uint32_t desktops_;
    uint64_t now_ns_ = 1'000'000'000;
    uint64_t dropped_ = 0;
    uint64_t round_ = 0;
    std::size_t position_ = 0;
    std::vector<Target> targets_{std::vector<Target>(1U << 16)};
    std::unique_ptr<Shaper> shaper_;
};

} // namespace

std::vector<BenchResult> bench_shape(int runs) {
    const auto label = [](uint32_t desktops) {
        return desktops == 1 ? "1_desktop" : desktops == 1024 ? "1k_desktops" : "16k_desktops";
    };
    // A run's figure is the median of its parts: one during which the core was taken away says nothing.
    constexpr unsigned kParts = 100;
    const auto in_parts = [](const auto& part) {
        return [&part] {
            std::vector<double> figures;
            for (unsigned i = 0; i < kParts; ++i) {
                figures.push_back(part());
            }
            return median_of(std::move(figures));
        };
    };
    constexpr unsigned kBursts = 200; // in a part
    std::vector<BenchResult> results;
    for (const uint32_t desktops : {1U, 1024U, 16384U}) {
        const std::string name = std::string("shaper_") + label(desktops);
        Load sparse(desktops, 0);
        const auto in_sparse = [&] { return sparse.in_and_out(kBursts); };
        results.push_back(measure(name + "_cycles", "cycles/packet", runs, in_parts(in_sparse)));
        Load backlogged(desktops, 0);
        backlogged.fill(desktops == 1 ? 100 : 8);
        const auto in_backlogged = [&] { return backlogged.in_and_out(kBursts); };
        results.push_back(measure(name + "_backlogged_cycles", "cycles/packet", runs, in_parts(in_backlogged)));
        if (desktops != 1) {
            Load capped(desktops, desktops == 1024 ? 5'000'000 : 1'000'000);
            capped.fill(8);
            const auto out_of_capped = [&] { return capped.out_only(kBursts / 10); };
            results.push_back(
                measure(name + "_at_ceiling_dequeue_cycles", "cycles/packet", runs, in_parts(out_of_capped)));
        }
    }
    Load changing(16384, 40'000'000);
    changing.fill(4);
    results.push_back(measure("rate_change_cycles", "cycles/change", runs,
                              [&] { return changing.change_rates(10'000); }));
    return results;
}

} // namespace foregate::bench
