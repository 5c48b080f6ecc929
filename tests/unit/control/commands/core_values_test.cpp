// SPDX-License-Identifier: BSD-3-Clause
#include "control/commands/core_values.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using dataplane::CoreView;
using dataplane::DropReason;
using dataplane::DropView;

SteadyTime at(int seconds) { return SteadyTime{std::chrono::seconds(seconds)}; }

CoreView control() {
    CoreView view;
    view.role = "control";
    return view;
}

DropView drops_of(const char* core) {
    DropView view;
    view.core = core;
    return view;
}

CoreView worker(int number, std::uint64_t packets, std::uint64_t busy_ns, std::uint64_t idle_ns) {
    CoreView view;
    view.role = "worker";
    view.worker = number;
    view.received = packets;
    view.busy_ns = busy_ns;
    view.idle_ns = idle_ns;
    view.turns = 10;
    view.stages.bursts = packets / 160; // one in sixteen, ten packets each
    view.stages.packets = packets / 16;
    view.stages.cycles.fill(packets / 16 * 20);
    return view;
}

std::uint64_t& count(DropView& view, DropReason reason) { return view.counts[static_cast<std::size_t>(reason)]; }

TEST(CoreValues, SinceTheStartAtTheFirstLook) {
    const CoreLook now{at(100), {control(), worker(0, 16000, 250, 750)}};
    const Json value = cores_value(now, {});
    ASSERT_EQ(value["cores"].size(), 2U);
    EXPECT_TRUE(value["cores"][0]["busy_ratio"].is_null());
    EXPECT_TRUE(value["cores"][0]["flows"].is_null());
    const Json& row = value["cores"][1];
    EXPECT_EQ(row["busy_ratio"], 0.25);
    EXPECT_TRUE(row["packets_per_s"].is_null());
    EXPECT_EQ(row["packets_per_burst"], 10.0);
    EXPECT_EQ(row["cycles_per_packet"], 20.0 * dataplane::kStages);
    ASSERT_EQ(value["stages"].size(), dataplane::kStages);
    EXPECT_EQ(value["stages"][0]["stage"], "ingress");
    EXPECT_EQ(value["stages"][0]["worker_0_cycles"], 20.0);
    EXPECT_EQ(value["balance"]["imbalance"], 1.0);
}

TEST(CoreValues, SinceTheLookBefore) {
    const CoreLook before{at(100), {worker(0, 16000, 250, 750), worker(1, 16000, 500, 500)}};
    CoreLook now{at(110), {worker(0, 16000 + 4800, 250 + 10, 750 + 90), worker(1, 16000 + 1600, 500 + 100, 500)}};
    now.cores[0].stages.cycles[2] += 30 * 300; // a stage has become slower
    now.cores[0].redirected_out = now.cores[1].redirected_in = 0;
    now.cores[0].received += 7;
    now.cores[0].redirected_out = 7; // and somebody else's table has them
    const Json value = cores_value(now, before);
    EXPECT_EQ(value["cores"][0]["busy_ratio"], 0.1);
    EXPECT_EQ(value["cores"][1]["busy_ratio"], 1.0);
    EXPECT_EQ(value["cores"][0]["packets_per_s"], 480.0);
    EXPECT_EQ(value["cores"][0]["share"], 0.75);
    EXPECT_EQ(value["stages"][2]["worker_0_cycles"], 50.0);
    EXPECT_EQ(value["stages"][2]["worker_1_cycles"], 20.0);
    EXPECT_EQ(value["balance"]["imbalance"], 1.5);
    EXPECT_EQ(value["balance"]["redirected_packets"], 7);
    EXPECT_EQ(value["balance"]["since_s"], 10.0);
}

TEST(CoreValues, WithoutPacketsThereAreNoCycles) {
    const CoreLook now{at(1), {worker(0, 0, 0, 0)}};
    const Json value = cores_value(now, {});
    EXPECT_TRUE(value["cores"][0]["cycles_per_packet"].is_null());
    EXPECT_TRUE(value["cores"][0]["busy_ratio"].is_null());
    EXPECT_TRUE(value["balance"]["imbalance"].is_null());
    EXPECT_TRUE(value["stages"][0]["worker_0_cycles"].is_null());
}

TEST(CoreValues, DropsThatHappenedComeFirstAndNoneIsMissing) {
    DropLook now{at(20), {drops_of("worker 0"), drops_of("twins")}};
    count(now.drops[0], DropReason::deviation) = 7;
    count(now.drops[0], DropReason::no_buffer) = 1;
    count(now.drops[1], DropReason::no_buffer) = 3;
    DropLook before{at(10), {drops_of("worker 0"), drops_of("twins")}};
    count(before.drops[0], DropReason::deviation) = 2;
    const Json rows = drop_rows(now, before);
    ASSERT_EQ(rows.size(), dataplane::kDropReasons);
    EXPECT_EQ(rows[0]["reason"], "deviation");
    EXPECT_EQ(rows[0]["count"], 7);
    EXPECT_EQ(rows[0]["per_s"], 0.5);
    EXPECT_EQ(rows[1]["reason"], "no_buffer");
    EXPECT_EQ(rows[1]["count"], 4);
    EXPECT_EQ(rows[1]["by_core"], (Json{{"worker 0", 1}, {"twins", 3}}));
    EXPECT_EQ(rows[2]["count"], 0);
    EXPECT_TRUE(rows[2]["by_core"].is_null());
    EXPECT_FALSE(rows[0]["help"].get<std::string>().empty());
    EXPECT_TRUE(drop_rows(now, {})[0]["per_s"].is_null()) << "the first look has nothing to compare with";
}

} // namespace
} // namespace foregate::control
