// SPDX-License-Identifier: BSD-3-Clause
// A port on a simulated clock for the scheduler's tests: sources that send at a rate or keep a
// queue filled, a wire that takes what the scheduler gives, and a book of every packet, so that
// each test ends with in = out + dropped + queued and every flow in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/shape/shaper.h"

namespace foregate::dataplane::shape_test {

inline constexpr uint64_t kMicro = 1'000;
inline constexpr uint64_t kMilli = 1'000'000;
inline constexpr uint64_t kSecond = 1'000'000'000;
inline constexpr uint64_t kMbit = 1'000'000;

struct TestPacket {
    uint32_t source = 0;
    uint32_t length = 0;
    uint64_t number = 0; // within its source
    uint64_t sent_ns = 0;
};

// Traffic of one flow. rate 0: greedy, always `depth` packets in the scheduler.
struct Source {
    uint32_t pipe = 0;
    uint32_t allotment = 0;
    uint64_t rate_bps = 0;
    uint32_t length = 1500;
    uint32_t flow_hash = 0;
    uint32_t depth = 32;
    TrafficClass traffic_class = TrafficClass::regular;
    uint64_t start_ns = 0;
    uint64_t stop_ns = UINT64_MAX;
    // The book.
    uint64_t offered = 0, refused = 0, dropped = 0, delivered = 0, bytes = 0, queued = 0;
    uint64_t last_delivered = 0; // number + 1
    uint64_t next_send_ns = 0;
    std::vector<uint64_t> delays_ns{};

    double mbps(uint64_t window_ns) const {
        return static_cast<double>(bytes) * 8e3 / static_cast<double>(window_ns);
    }
    double delay_us(double quantile) const {
        if (delays_ns.empty()) {
            return -1.0;
        }
        std::vector<uint64_t> sorted = delays_ns;
        std::sort(sorted.begin(), sorted.end());
        const auto at = static_cast<std::size_t>(quantile * static_cast<double>(sorted.size() - 1));
        return static_cast<double>(sorted[at]) / 1e3;
    }
};

// How packets come to the scheduler: as the port offers them (straight through while nobody waits), or
// each into its queue.
enum class Way { offered, queued };

class Simulation {
public:
    explicit Simulation(ShaperSettings settings, Way way = Way::offered) : shaper(with_sink(settings)), way_(way) {}
    ~Simulation() { closing_ = true; }
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    uint32_t add(Source source) {
        source.next_send_ns = std::max(source.start_ns, now_ns);
        source.flow_hash += static_cast<uint32_t>(sources.size()) * 7919;
        sources.push_back(source);
        return static_cast<uint32_t>(sources.size() - 1);
    }

    // Runs on in steps; polled like a core: sources send, then the wire takes bursts.
    void run_for(uint64_t span_ns, uint64_t step_ns = 10 * kMicro) {
        const uint64_t end = now_ns + span_ns;
        while (now_ns < end) {
            now_ns += step_ns;
            for (uint32_t i = 0; i < sources.size(); ++i) {
                send(i);
            }
            drain();
        }
    }

    bool offer(uint32_t source_id) { return offer_burst({source_id}) == 0; }

    // One packet of each, in this order; returns how many were refused.
    unsigned offer_burst(const std::vector<uint32_t>& source_ids, unsigned room = 64) {
        std::vector<OfferedPacket> burst;
        for (const uint32_t id : source_ids) {
            Source& s = sources[id];
            ++s.queued;
            burst.push_back({new TestPacket{id, s.length, s.offered++, now_ns}, s.length, s.pipe, s.allotment, s.flow_hash,
                             s.traffic_class});
        }
        std::vector<void*> refused(burst.size());
        const unsigned count = way_ == Way::offered ? offer_all(burst, refused, room) : enqueue_all(burst, refused);
        for (unsigned i = 0; i < count; ++i) {
            EXPECT_NE(shaper.last_refusal(), ShapeDrop::none);
            auto* packet = static_cast<TestPacket*>(refused[i]);
            ++sources[packet->source].refused;
            --sources[packet->source].queued;
            delete packet;
        }
        return count;
    }

    unsigned take(unsigned max) {
        void* out[64];
        const unsigned count = shaper.dequeue(out, std::min(max, 64U), now_ns);
        for (unsigned i = 0; i < count; ++i) {
            deliver(out[i]);
        }
        return count;
    }

    void drain() {
        while (take(32) != 0) {
            refill();
        }
    }

    void reset_book() {
        for (Source& s : sources) {
            s.bytes = 0;
            s.delays_ns.clear();
        }
        order.clear();
    }

    // in = out + dropped + queued, by our book and by the scheduler's.
    void expect_all_accounted() const {
        uint64_t queued = 0;
        for (const Source& s : sources) {
            EXPECT_EQ(s.offered, s.delivered + s.refused + s.dropped + s.queued);
            queued += s.queued;
        }
        EXPECT_EQ(shaper.backlog_packets(), queued);
        uint64_t in = 0, out = 0, dropped = 0, backlog = 0, offered = 0;
        for (std::size_t c = 0; c < kTrafficClasses; ++c) {
            const ClassSnapshot stats = shaper.class_stats(static_cast<TrafficClass>(c));
            in += stats.packets_in;
            out += stats.packets_sent;
            backlog += stats.backlog_packets;
            for (const uint64_t count : stats.dropped) {
                dropped += count;
            }
        }
        for (const Source& s : sources) {
            offered += s.offered;
        }
        EXPECT_EQ(in, offered);
        EXPECT_EQ(in, out + dropped + backlog);
        EXPECT_EQ(backlog, queued);
    }

    uint64_t now_ns = kSecond;
    std::vector<Source> sources;
    std::vector<uint32_t> order; // source of each packet delivered
    std::map<ShapeDrop, uint64_t> sunk;
    uint64_t straight = 0; // packets that were never queued
    Shaper shaper; // behind the book, which its destructor still uses

private:
    ShaperSettings with_sink(ShaperSettings settings) {
        settings.drop_sink = [](void* context, void* handle, ShapeDrop reason) noexcept {
            auto& self = *static_cast<Simulation*>(context);
            auto* packet = static_cast<TestPacket*>(handle);
            Source& s = self.sources[packet->source];
            --s.queued;
            if (!self.closing_) {
                ++s.dropped;
                ++self.sunk[reason];
            }
            delete packet;
        };
        settings.drop_context = this;
        return settings;
    }

    unsigned offer_all(const std::vector<OfferedPacket>& burst, std::vector<void*>& refused, unsigned room) {
        std::vector<void*> out(room);
        const ShapeOutcome outcome = shaper.offer(burst, out.data(), room, refused.data(), now_ns);
        EXPECT_LE(outcome.straight, room);
        straight += outcome.straight;
        for (unsigned i = 0; i < outcome.straight; ++i) {
            deliver(out[i]);
        }
        return outcome.refused;
    }
    unsigned enqueue_all(const std::vector<OfferedPacket>& burst, std::vector<void*>& refused) {
        unsigned count = 0;
        for (const OfferedPacket& p : burst) {
            if (!shaper.enqueue(p.handle, p.length, p.pipe, p.allotment, p.flow_hash, p.traffic_class, now_ns)) {
                refused[count++] = p.handle;
            }
        }
        return count;
    }
    void deliver(void* handle) {
        auto* packet = static_cast<TestPacket*>(handle);
        Source& s = sources[packet->source];
        EXPECT_GE(packet->number + 1, s.last_delivered + 1) << "reordered in a flow";
        s.last_delivered = packet->number + 1;
        ++s.delivered;
        --s.queued;
        s.bytes += packet->length;
        s.delays_ns.push_back(now_ns - packet->sent_ns);
        order.push_back(packet->source);
        delete packet;
    }

    void send(uint32_t id) {
        if (now_ns < sources[id].start_ns || now_ns >= sources[id].stop_ns) {
            return;
        }
        if (sources[id].rate_bps == 0) {
            // A greedy flow answers its losses by trying again, but not endlessly at one moment.
            for (uint32_t tries = 0; tries < 64 && sources[id].queued < sources[id].depth;
                 ++tries) {
                offer(id);
            }
            return;
        }
        while (sources[id].next_send_ns <= now_ns) {
            offer(id);
            sources[id].next_send_ns += sources[id].length * 8 * kSecond / sources[id].rate_bps;
        }
    }
    void refill() {
        for (uint32_t i = 0; i < sources.size(); ++i) {
            if (sources[i].rate_bps == 0 && sources[i].queued < sources[i].depth / 2) {
                send(i);
            }
        }
    }

    const Way way_;
    bool closing_ = false;
};

inline ShaperSettings port_of(uint64_t rate_bps, uint32_t max_pipes = 128) {
    ShaperSettings settings;
    settings.link_rate_bps = rate_bps;
    settings.max_pipes = max_pipes;
    settings.slots = 16384;
    settings.control_limit_packets = 64;
    return settings;
}

} // namespace foregate::dataplane::shape_test
