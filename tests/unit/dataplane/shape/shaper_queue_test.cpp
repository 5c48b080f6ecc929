// SPDX-License-Identifier: BSD-3-Clause
// Limits, order inside a flow, CoDel, sleeping, many desktops, and a random soak.
#include <deque>
#include <random>
#include <stdexcept>

#include "shape_simulation.h"

namespace foregate::dataplane::shape_test {
namespace {

TEST(ShaperLimits, AGreedyDesktopCannotTakeTheWholePool) {
    ShaperSettings settings = port_of(10 * kMbit);
    settings.slots = 300 + settings.control_limit_packets;
    Simulation sim(settings, Way::queued);
    const uint32_t hog = sim.add({.pipe = 1, .length = 100});
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(sim.offer(hog));
    }
    EXPECT_LE(sim.sources[hog].queued, 101U);
    EXPECT_EQ(sim.sunk[ShapeDrop::pool_share], sim.sources[hog].dropped);
    const uint32_t other = sim.add({.pipe = 2, .length = 100});
    for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(sim.offer(other));
    }
    EXPECT_EQ(sim.sources[other].dropped, 0U);
    EXPECT_EQ(sim.sources[other].queued, 50U);
    sim.expect_all_accounted();
}

TEST(ShaperLimits, AFullPoolRefusesNewcomersButNotControl) {
    ShaperSettings settings = port_of(10 * kMbit, 512);
    settings.slots = 100 + settings.control_limit_packets;
    Simulation sim(settings, Way::queued);
    for (uint32_t pipe = 1; pipe <= 100; ++pipe) {
        EXPECT_TRUE(sim.offer(sim.add({.pipe = pipe})));
    }
    EXPECT_FALSE(sim.offer(sim.add({.pipe = 200})));
    EXPECT_EQ(sim.shaper.last_refusal(), ShapeDrop::pool_full);
    EXPECT_EQ(sim.shaper.pipe_stats(200).dropped_packets, 1U);
    EXPECT_TRUE(sim.offer(1)); // gives up one of its own
    const uint32_t control = sim.add({.traffic_class = TrafficClass::control});
    for (uint32_t i = 0; i < settings.control_limit_packets; ++i) {
        EXPECT_TRUE(sim.offer(control));
    }
    EXPECT_FALSE(sim.offer(control));
    EXPECT_EQ(sim.shaper.last_refusal(), ShapeDrop::control_limit);
    sim.expect_all_accounted();
}

TEST(ShaperLimits, TheLongestFlowOfAFullQueuePays) {
    ShaperSettings settings = port_of(kMbit);
    settings.queue_limit_packets = 64;
    Simulation sim(settings, Way::queued);
    const uint32_t small = sim.add({.pipe = 1, .length = 100, .flow_hash = 1});
    const uint32_t flood = sim.add({.pipe = 1, .length = 1500, .flow_hash = 5});
    for (int i = 0; i < 5; ++i) {
        sim.offer(small);
    }
    for (int i = 0; i < 1000; ++i) {
        sim.offer(flood);
    }
    EXPECT_EQ(sim.sources[small].dropped, 0U);
    EXPECT_EQ(sim.sources[flood].queued, 59U);
    EXPECT_EQ(sim.sunk[ShapeDrop::queue_limit], 1000U - 59U);
    sim.expect_all_accounted();
}

TEST(ShaperLimits, BytesBoundAQueueToo) {
    ShaperSettings settings = port_of(kMbit);
    settings.queue_limit_bytes = 10'000;
    Simulation sim(settings, Way::queued);
    const uint32_t s = sim.add({.pipe = 1});
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(sim.offer(s));
    }
    EXPECT_EQ(sim.shaper.pipe_stats(1).backlog_bytes, 9000U);
    EXPECT_EQ(sim.shaper.pipe_stats(1).dropped_packets, 14U);
}

TEST(ShaperLimits, QueuesAreReusedAndRunOutOnlyWhenAllAreFull) {
    ShaperSettings settings = port_of(100 * kMbit, 64);
    settings.max_queues = 8;
    Simulation sim(settings, Way::queued);
    std::vector<uint32_t> sources;
    for (uint32_t pipe = 1; pipe < 60; ++pipe) { // one after the other: eight are plenty
        sources.push_back(sim.add({.pipe = pipe, .allotment = pipe % 3, .stop_ns = 0}));
        ASSERT_TRUE(sim.offer(sources.back()));
        sim.now_ns += kMilli;
        sim.take(64);
    }
    for (uint32_t i = 0; i < 8; ++i) {
        ASSERT_TRUE(sim.offer(sources[i * 3]));
    }
    EXPECT_FALSE(sim.offer(sources[40]));
    EXPECT_EQ(sim.shaper.last_refusal(), ShapeDrop::queues_full);
    sim.run_for(10 * kMilli);
    EXPECT_TRUE(sim.offer(sources[40]));
    sim.run_for(10 * kMilli);
    EXPECT_EQ(sim.shaper.backlog_packets(), 0U);
    sim.expect_all_accounted();
}

TEST(ShaperLimits, WrongSettingsAreNamed) {
    EXPECT_THROW(Shaper{ShaperSettings{}}, std::invalid_argument); // no sink
    const auto built_with = [](auto change) {
        ShaperSettings settings;
        settings.drop_sink = [](void*, void*, ShapeDrop) noexcept {};
        change(settings);
        Shaper shaper(settings);
    };
    EXPECT_NO_THROW(built_with([](ShaperSettings&) {}));
    EXPECT_THROW(built_with([](ShaperSettings& s) { s.max_pipes = 0; }), std::invalid_argument);
    EXPECT_THROW(built_with([](ShaperSettings& s) { s.slots = 10; }), std::invalid_argument);
    EXPECT_THROW(built_with([](ShaperSettings& s) { s.control_share_percent = 0; }),
                 std::invalid_argument);
    EXPECT_THROW(built_with([](ShaperSettings& s) { s.quantum_bytes = 0; }), std::invalid_argument);
}

TEST(ShaperFlows, ShareAQueueFairlyAndSparseOnesGoFirst) {
    Simulation sim(port_of(10 * kMbit));
    std::vector<uint32_t> bulk;
    // Hashes that fall into different sub-queues; the source number is added by add().
    const uint32_t first = sim.add({.pipe = 1, .depth = 40});
    const uint32_t second = sim.add({.pipe = 1, .length = 500, .depth = 80});
    const uint32_t sparse = sim.add({.pipe = 1, .rate_bps = 100'000, .length = 100});
    sim.run_for(500 * kMilli);
    sim.reset_book();
    sim.run_for(2 * kSecond);
    EXPECT_NEAR(sim.sources[first].mbps(2 * kSecond) / sim.sources[second].mbps(2 * kSecond), 1.0,
                0.05);
    EXPECT_LT(sim.sources[sparse].delay_us(0.95), 5000.0); // bulk waits tens of ms
    EXPECT_EQ(sim.sources[sparse].dropped, 0U);
    sim.expect_all_accounted();
}

// A TCP-like source: a window of packets in flight, halved once a round trip with a loss, else one
// more each round trip.
class AimdFlow {
public:
    AimdFlow(Simulation& sim, uint32_t source, uint64_t rtt_ns)
        : sim_(sim), source_(source), rtt_ns_(rtt_ns) {}

    void step() {
        const Source& s = sim_.sources[source_];
        for (; seen_ < s.delivered; ++seen_) {
            acks_.push_back(sim_.now_ns + rtt_ns_);
        }
        while (!acks_.empty() && acks_.front() <= sim_.now_ns) {
            acks_.pop_front();
            window_ += 1.0 / window_;
        }
        if (s.dropped + s.refused > losses_) {
            losses_ = s.dropped + s.refused;
            if (sim_.now_ns >= next_cut_ns_) {
                window_ = std::max(2.0, window_ / 2);
                next_cut_ns_ = sim_.now_ns + rtt_ns_;
            }
        }
        while (static_cast<double>(s.queued + acks_.size()) < window_) {
            sim_.offer(source_);
        }
    }

private:
    Simulation& sim_;
    uint32_t source_;
    uint64_t rtt_ns_;
    double window_ = 10;
    std::deque<uint64_t> acks_;
    uint64_t seen_ = 0, losses_ = 0, next_cut_ns_ = 0;
};

TEST(ShaperCodel, KeepsTheQueueOfAimdFlowsShort) {
    Simulation sim(port_of(1000 * kMbit));
    sim.shaper.set_pipe(1, {.ceiling_bps = 20 * kMbit}, sim.now_ns);
    std::vector<AimdFlow> flows;
    for (uint32_t i = 0; i < 4; ++i) {
        // rate 1 bit/s and never due: only AimdFlow sends.
        flows.emplace_back(
            sim, sim.add({.pipe = 1, .rate_bps = 1, .flow_hash = i * 77, .start_ns = UINT64_MAX}),
            20 * kMilli);
    }
    const auto run = [&](uint64_t span) {
        for (uint64_t end = sim.now_ns + span; sim.now_ns < end; sim.now_ns += 100 * kMicro) {
            for (AimdFlow& flow : flows) {
                flow.step();
            }
            sim.drain();
        }
    };
    run(5 * kSecond);
    sim.reset_book();
    run(10 * kSecond);
    double total = 0;
    for (const Source& s : sim.sources) {
        total += s.mbps(10 * kSecond);
        EXPECT_LT(s.delay_us(0.5), 15'000.0);
        EXPECT_LT(s.delay_us(0.95), 40'000.0);
    }
    EXPECT_GT(total, 19.0);
    EXPECT_GT(sim.sunk[ShapeDrop::codel], 0U);
    EXPECT_EQ(sim.sunk[ShapeDrop::queue_limit], 0U);
    sim.expect_all_accounted();
}

TEST(ShaperCodel, LeavesAShortQueueAlone) {
    Simulation sim(port_of(100 * kMbit));
    sim.add({.pipe = 1, .rate_bps = 95 * kMbit});
    sim.run_for(2 * kSecond);
    EXPECT_EQ(sim.sources[0].dropped, 0U);
    EXPECT_LT(sim.sources[0].delay_us(1.0), 500.0);
}

TEST(ShaperSleep, NextEventLeadsToThePacket) {
    Simulation sim(port_of(1000 * kMbit));
    EXPECT_EQ(sim.shaper.next_event_ns(sim.now_ns), UINT64_MAX);
    sim.shaper.set_pipe(1, {.ceiling_bps = 1'000'000}, sim.now_ns);
    const uint32_t s = sim.add({.pipe = 1});
    for (int i = 0; i < 10; ++i) {
        sim.offer(s);
    }
    const uint64_t start = sim.now_ns;
    unsigned wakeups = 0;
    for (; sim.shaper.backlog_packets() != 0; ++wakeups) {
        const uint64_t next = sim.shaper.next_event_ns(sim.now_ns);
        ASSERT_GE(next, sim.now_ns);
        ASSERT_LT(next, sim.now_ns + kSecond);
        sim.now_ns = next;
        sim.take(32);
        ASSERT_LT(wakeups, 30U);
    }
    // Ten packets of 12 ms, the first at once.
    EXPECT_NEAR(static_cast<double>(sim.now_ns - start), 9.0 * 12 * kMilli, 2.0 * kMilli);
    EXPECT_EQ(sim.sources[s].delivered, 10U);
}

TEST(ShaperSleep, SleepingBetweenEventsKeepsThePortsRate) {
    Simulation sim(port_of(50 * kMbit), Way::queued);
    const uint32_t s = sim.add({.pipe = 1});
    const uint64_t start = sim.now_ns;
    while (sim.sources[s].delivered < 1000) {
        sim.offer(s);
        sim.now_ns = std::max(sim.now_ns, sim.shaper.next_event_ns(sim.now_ns));
        sim.take(1);
    }
    EXPECT_NEAR(sim.sources[s].mbps(sim.now_ns - start), 50.0, 0.2);
}

TEST(ShaperClock, TimeThatStandsOrStepsBackDoesNoHarm) {
    Simulation sim(port_of(100 * kMbit));
    const uint32_t s = sim.add({.pipe = 1});
    sim.run_for(100 * kMilli);
    sim.now_ns -= 50 * kMilli;
    sim.run_for(50 * kMilli);
    const uint64_t delivered = sim.sources[s].delivered;
    sim.run_for(100 * kMilli);
    EXPECT_NEAR(static_cast<double>(sim.sources[s].delivered - delivered), 833.0, 5.0);
    sim.expect_all_accounted();
}

TEST(ShaperScale, SixteenThousandDesktops) {
    constexpr uint32_t kPipes = 16'384;
    ShaperSettings settings = port_of(10'000 * kMbit, kPipes + 1);
    settings.slots = 131'072;
    Simulation sim(settings);
    for (uint32_t pipe = 1; pipe <= kPipes; ++pipe) {
        const uint64_t ceiling = pipe % 2 == 0 ? 400'000 : 0;
        sim.shaper.set_pipe(pipe, {.floor_bps = 200'000, .ceiling_bps = ceiling}, sim.now_ns);
        sim.add({.pipe = pipe, .length = 700, .depth = 4});
    }
    uint64_t measured = 0;
    for (int round = 0; round < 400; ++round) { // 400 ms
        for (uint32_t i = 0; i < kPipes; ++i) {
            while (sim.sources[i].queued < 4) {
                sim.offer(i);
            }
        }
        for (int poll = 0; poll < 10; ++poll) {
            sim.now_ns += kMilli / 10;
            while (sim.take(32) != 0) {
            }
        }
        if (round == 99) {
            sim.reset_book();
        }
        measured += round >= 100 ? kMilli : 0;
    }
    double total = 0;
    for (const Source& s : sim.sources) {
        total += s.mbps(measured);
        ASSERT_GE(s.mbps(measured), 0.18) << "pipe " << s.pipe;
        if (s.pipe % 2 == 0) {
            ASSERT_LE(s.mbps(measured), 0.43) << "pipe " << s.pipe;
        }
    }
    EXPECT_NEAR(total, 10'000.0, 50.0);
    sim.expect_all_accounted();
}

// Everything at once, at random but repeatable: changing rates, leases, limits and loads.
std::vector<uint32_t> soak(uint32_t seed, Way way) {
    std::mt19937 random(seed);
    const auto below = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
    ShaperSettings settings = port_of(200 * kMbit, 40);
    settings.max_allotments = 8;
    settings.max_queues = 48;
    settings.slots = 1000;
    settings.queue_limit_packets = 100;
    Simulation sim(settings, way);
    for (uint32_t i = 0; i < 120; ++i) {
        const uint32_t lengths[] = {64, 300, 1500, 9000};
        sim.add({.pipe = below(40),
                 .allotment = below(3) == 0 ? 1 + below(7) : 0,
                 .length = lengths[below(4)],
                 .flow_hash = static_cast<uint32_t>(random()),
                 .traffic_class = below(20) == 0 ? TrafficClass::control : TrafficClass::regular});
    }
    for (int round = 0; round < 20'000; ++round) {
        sim.now_ns += below(100) == 0 ? below(100 * kMilli) : below(100 * kMicro);
        std::vector<uint32_t> burst(below(12));
        for (uint32_t& source : burst) {
            source = below(120);
        }
        sim.offer_burst(burst, 1 + below(12));
        if (below(10) == 0) {
            const uint64_t floor = below(3) * 5 * kMbit, ceiling = below(3) * 10 * kMbit;
            sim.shaper.set_pipe(below(40), {floor, ceiling, below(5)}, sim.now_ns);
        }
        if (below(20) == 0) {
            sim.shaper.set_allotment(1 + below(7), below(3) * 30 * kMbit, sim.now_ns);
        }
        if (below(200) == 0) {
            sim.shaper.set_link_rate(below(4) * 100 * kMbit, sim.now_ns);
        }
        sim.take(1 + below(40));
        const uint64_t next = sim.shaper.next_event_ns(sim.now_ns);
        EXPECT_GE(next, sim.now_ns);
        EXPECT_EQ(next == UINT64_MAX, sim.shaper.backlog_packets() == 0);
    }
    sim.expect_all_accounted();
    EXPECT_GT(sim.sunk[ShapeDrop::queue_limit] + sim.sunk[ShapeDrop::pool_share], 0U);
    EXPECT_EQ(sim.straight != 0, way == Way::offered);
    for (uint32_t pipe = 0; pipe < 40; ++pipe) {
        sim.shaper.set_pipe(pipe, {}, sim.now_ns);
    }
    sim.shaper.set_link_rate(10'000 * kMbit, sim.now_ns);
    for (int i = 0; i < 1000 && sim.shaper.backlog_packets() != 0; ++i) {
        sim.now_ns += kMilli;
        sim.take(64);
    }
    EXPECT_EQ(sim.shaper.backlog_packets(), 0U);
    for (uint32_t pipe = 0; pipe < 40; ++pipe) {
        EXPECT_EQ(sim.shaper.pipe_stats(pipe).backlog_bytes, 0U);
    }
    sim.expect_all_accounted();
    return sim.order;
}

TEST(ShaperSoak, NothingIsLostOrReorderedAndItIsRepeatable) {
    for (const uint32_t seed : {1U, 2U, 3U}) {
        for (const Way way : {Way::offered, Way::queued}) {
            const std::vector<uint32_t> first = soak(seed, way);
            EXPECT_EQ(first, soak(seed, way));
            EXPECT_GT(first.size(), 10'000U);
        }
    }
}

TEST(ShaperEnd, QueuedPacketsGoToTheSink) {
    uint64_t freed = 0;
    ShaperSettings settings;
    settings.link_rate_bps = 1000;
    settings.drop_sink = [](void* context, void*, ShapeDrop) noexcept {
        ++*static_cast<uint64_t*>(context);
    };
    settings.drop_context = &freed;
    {
        Shaper shaper(settings);
        int packet = 0;
        for (uint32_t i = 0; i < 10; ++i) {
            ASSERT_TRUE(shaper.enqueue(&packet, 100, i % 3, 0, i, TrafficClass::regular, kSecond));
        }
        ASSERT_TRUE(shaper.enqueue(&packet, 100, 0, 0, 0, TrafficClass::control, kSecond));
    }
    EXPECT_EQ(freed, 11U);
}

} // namespace
} // namespace foregate::dataplane::shape_test
