// SPDX-License-Identifier: BSD-3-Clause
#include "control/commands/values.h"

#include <gtest/gtest.h>

#include <cmath>

namespace foregate::control {
namespace {

using dataplane::DropReason;

Naming plain_naming() {
    return {[](std::uint32_t desktop) { return "d" + std::to_string(desktop); },
            [](std::uint16_t usage_class) { return "class" + std::to_string(usage_class); },
            [](const IpAddress& server, std::uint16_t port) {
                return (server == *IpAddress::parse("10.20.0.10") ? "db.lab" : server.to_string()) +
                       ":" + std::to_string(port);
            },
            {}};
}

dataplane::FlowView flow_to(const char* server, std::uint16_t port, std::uint64_t up,
                            std::uint64_t down) {
    dataplane::FlowView flow;
    flow.desktop_address = *IpAddress::parse("10.10.1.1");
    flow.server = *IpAddress::parse(server);
    flow.desktop_port = 40000;
    flow.server_port = port;
    flow.protocol = 6;
    flow.desktop = 3;
    flow.usage_class = 1;
    flow.app = AppType::database;
    flow.verdict = dataplane::FlowVerdict::allow;
    flow.bytes_up = up;
    flow.bytes_down = down;
    flow.age_ms = 1500;
    return flow;
}

TEST(CommandValues, WholeNumbersAreReadStrictly) {
    EXPECT_EQ(whole_number("1", 1, 10), 1U);
    EXPECT_EQ(whole_number("10", 1, 10), 10U);
    EXPECT_EQ(whole_number("0", 1, 10), std::nullopt);
    EXPECT_EQ(whole_number("11", 1, 10), std::nullopt);
    EXPECT_EQ(whole_number("-1", 0, 10), std::nullopt);
    EXPECT_EQ(whole_number("5x", 1, 10), std::nullopt);
    EXPECT_EQ(whole_number("", 0, 10), std::nullopt);
    EXPECT_EQ(whole_number("99999999999999999999", 0, UINT64_MAX), std::nullopt);
}

TEST(CommandValues, RoundsToThousandthsAndHidesWhatIsNoNumber) {
    EXPECT_EQ(rounded(1.23456), 1.235);
    EXPECT_TRUE(rounded(std::nan("")).is_null());
    EXPECT_TRUE(rounded(INFINITY).is_null());
}

TEST(CommandValues, AgesNeedAMoment) {
    const SteadyTime now{std::chrono::seconds(100)};
    EXPECT_EQ(seconds_since(SteadyTime{std::chrono::seconds(97)}, now), 3.0);
    EXPECT_TRUE(seconds_since(SteadyTime{}, now).is_null());
}

TEST(CommandValues, QueueRowSumsItsDropsAndTellsDelays) {
    dataplane::ClassSnapshot queue;
    queue.packets_sent = 100;
    queue.dropped[static_cast<std::size_t>(dataplane::ShapeDrop::codel)] = 3;
    queue.dropped[static_cast<std::size_t>(dataplane::ShapeDrop::pool_full)] = 2;
    queue.delay[dataplane::delay_bucket(1000)] = 99;
    queue.delay[dataplane::delay_bucket(100000)] = 1;
    const Json row = queue_row("upstream", dataplane::TrafficClass::allotted, queue);
    EXPECT_EQ(row["port"], "upstream");
    EXPECT_EQ(row["traffic_class"], "allotted");
    EXPECT_EQ(row["dropped"], 5);
    EXPECT_EQ(row["dropped_codel"], 3);
    EXPECT_EQ(row["dropped_queue_limit"], 0);
    EXPECT_FALSE(row.contains("dropped_none"));
    EXPECT_LE(row["delay_p50_us"].get<double>(), 1024);
    EXPECT_GE(row["delay_p99_us"].get<double>(), row["delay_p50_us"].get<double>());
}

TEST(CommandValues, FlowRowSaysWhyItIsBlockedAndOnlyThen) {
    dataplane::FlowView flow = flow_to("10.20.0.10", 5432, 10, 20);
    flow.blocked_for = DropReason::deviation;
    Json row = flow_row(flow, plain_naming());
    EXPECT_EQ(row["desktop"], "d3");
    EXPECT_EQ(row["class"], "class1");
    EXPECT_EQ(row["destination"], "db.lab:5432");
    EXPECT_EQ(row["app"], "database");
    EXPECT_EQ(row["age_s"], 1.5);
    EXPECT_EQ(row["verdict"], "allow");
    EXPECT_TRUE(row["reason"].is_null());
    flow.verdict = dataplane::FlowVerdict::block;
    row = flow_row(flow, plain_naming());
    EXPECT_EQ(row["verdict"], "block");
    EXPECT_EQ(row["reason"], "deviation");
}

TEST(CommandValues, HeldRowHasWhatScriptsReadAndNoInventedRoundTrip) {
    dataplane::HeldView held;
    held.id = 42;
    held.desktop = 3;
    held.server = *IpAddress::parse("10.20.0.10");
    held.port = 5432;
    held.held_port = 20001;
    held.state = dataplane::HeldState::held;
    held.purpose = dataplane::HeldPurpose::monitor;
    held.age_ns = 2'500'000'000;
    Json row = held_row(held, plain_naming());
    for (const char* key : {"id", "desktop", "destination", "server", "port", "held_port", "state",
                            "purpose", "age_s"}) {
        ASSERT_TRUE(row.contains(key)) << key;
    }
    EXPECT_EQ(row["id"], 42);
    EXPECT_EQ(row["state"], "held");
    EXPECT_EQ(row["purpose"], "monitor");
    EXPECT_EQ(row["age_s"], 2.5);
    EXPECT_TRUE(row["rtt_us"].is_null());
    EXPECT_TRUE(row["desktop_port"].is_null());
    held.rtt_us = 40012;
    EXPECT_EQ(held_row(held, plain_naming())["rtt_us"], 40012);
}

TEST(CommandValues, FlowsAreGroupedByDestinationMostFlowsFirst) {
    const std::vector<dataplane::FlowView> flows{flow_to("10.20.0.99", 443, 1, 2),
                                                 flow_to("10.20.0.10", 5432, 10, 20),
                                                 flow_to("10.20.0.10", 5432, 30, 40)};
    const auto destinations = destinations_of(flows, plain_naming().destination);
    ASSERT_EQ(destinations.size(), 2U);
    EXPECT_EQ(destinations[0].destination, "db.lab:5432");
    EXPECT_EQ(destinations[0].live_flows, 2U);
    EXPECT_EQ(destinations[0].bytes_up, 40U);
    EXPECT_EQ(destinations[0].bytes_down, 60U);
    EXPECT_EQ(destinations[1].destination, "10.20.0.99:443");
    EXPECT_EQ(destinations[1].live_flows, 1U);
    EXPECT_TRUE(destinations_of({}, plain_naming().destination).empty());
}

TEST(CommandValues, EventRowTakesOutWhatPeopleLookFor) {
    const Json event{{"timestamp", "2026-03-04T13:56:00.000000+0000"},
                     {"event_type", "alert"},
                     {"src_ip", "fd00:10::1:1"},
                     {"src_port", 40000},
                     {"dest_ip", "10.20.0.66"},
                     {"dest_port", 443},
                     {"alert", {{"action", "blocked"}, {"signature", "foregate threat list"}}},
                     {"foregate", {{"desktop", "d01"}, {"feed", "lab"}}}};
    const Json row = event_row(event);
    EXPECT_EQ(row["desktop"], "d01");
    EXPECT_EQ(row["from"], "[fd00:10::1:1]:40000");
    EXPECT_EQ(row["to"], "10.20.0.66:443");
    EXPECT_EQ(row["action"], "blocked");
    EXPECT_EQ(row["details"], (Json{{"feed", "lab"}}));
}

TEST(CommandValues, EventRowOfALifecycleHasNoEnds) {
    const Json row = event_row(
        {{"timestamp", "t"}, {"event_type", "lifecycle"}, {"foregate", {{"change", "started"}}}});
    EXPECT_TRUE(row["from"].is_null());
    EXPECT_TRUE(row["to"].is_null());
    EXPECT_TRUE(row["action"].is_null());
    EXPECT_TRUE(row["desktop"].is_null());
    EXPECT_EQ(row["details"]["change"], "started");
}

TEST(CommandValues, WarningRowHasAges) {
    Warning warning;
    warning.kind = WarningKind::deviation;
    warning.destination = "10.20.0.7:22";
    warning.blocked = true;
    warning.times = 30;
    warning.first = SteadyTime{std::chrono::seconds(10)};
    warning.last = SteadyTime{std::chrono::seconds(19)};
    const Json row = warning_row(warning, SteadyTime{std::chrono::seconds(20)});
    EXPECT_EQ(row["kind"], "deviation");
    EXPECT_EQ(row["times"], 30);
    EXPECT_EQ(row["first_age_s"], 10.0);
    EXPECT_EQ(row["last_age_s"], 1.0);
}

TEST(CommandValues, PortRowIsComplete) {
    dataplane::PortView port;
    port.name = "upstream";
    port.kind = dataplane::PortKind::upstream;
    port.mac = {2, 0, 0, 0xab, 0xcd, 0xef};
    port.link_up = true;
    port.rx_packets = 5;
    port.rx_queues = 4;
    port.spread = "symmetric RSS on addresses, 4 queues";
    const Json row = port_row(port);
    EXPECT_EQ(row["name"], "upstream");
    EXPECT_EQ(row["role"], "upstream");
    EXPECT_EQ(row["mac"], "02:00:00:ab:cd:ef");
    EXPECT_EQ(row["link"], "up");
    EXPECT_EQ(row["rx_packets"], 5);
    EXPECT_TRUE(row["twin"].is_null());
    EXPECT_EQ(row["rx_queues"], 4);
    EXPECT_EQ(row["spread"], port.spread);
}

} // namespace
} // namespace foregate::control
