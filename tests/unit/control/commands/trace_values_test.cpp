// SPDX-License-Identifier: BSD-3-Clause
#include "control/commands/trace_values.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using namespace dataplane;

Naming naming() {
    Naming out;
    out.desktop = [](std::uint32_t number) { return "d" + std::to_string(number); };
    out.usage_class = [](std::uint16_t) { return std::string("office"); };
    out.destination = [](const IpAddress& a, std::uint16_t) { return a.to_string(); };
    return out;
}

const std::vector<std::string> kPorts{"desktops", "upstream"};

/// A desktop's SYN that was forwarded.
TracedPacket forwarded() {
    TracedPacket packet;
    packet.worker = 1;
    packet.length = 74;
    packet.parsed.ip_version = 4;
    packet.parsed.src = *IpAddress::parse("10.10.1.1");
    packet.parsed.dst = *IpAddress::parse("10.20.0.80");
    packet.parsed.src_port = 40000;
    packet.parsed.dst_port = 443;
    packet.parsed.protocol = kProtoTcp;
    packet.parsed.tcp_flags = tcp_syn;
    packet.parsed.ip_length = 60;
    for (std::size_t i = 0; i < kStages; ++i) {
        StageNote& note = packet.stages[packet.stage_count++];
        note.stage = static_cast<Stage>(i);
        note.has_flow = note.stage >= Stage::flow;
        note.has_desktop = note.from_desktop = note.new_flow = true;
        note.desktop = 7;
        note.allotment.up = 3;
        note.next.port = 1;
    }
    StageNote& egress = packet.stages[kStages - 1];
    egress.changes[egress.change_count++] = {false, static_cast<std::uint8_t>(Counter::forwarded), 1};
    return packet;
}

const Json& row_of(const Json& rows, const std::string& stage) {
    for (const Json& row : rows) {
        if (row["stage"] == stage) {
            return row;
        }
    }
    throw std::runtime_error("no row for " + stage);
}

TEST(TraceValues, APacketInWords) {
    TracedPacket packet = forwarded();
    EXPECT_EQ(packet_text(packet), "tcp 10.10.1.1:40000 > 10.20.0.80:443 SYN, 60 bytes");
    packet.parsed.protocol = kProtoIcmpv6;
    packet.parsed.src = *IpAddress::parse("fd00::1");
    EXPECT_EQ(packet_text(packet), "icmpv6 fd00::1 > 10.20.0.80, 60 bytes");
    packet.parsed.ip_version = 0;
    EXPECT_EQ(packet_text(packet), "a frame of 74 bytes");
}

TEST(TraceValues, EveryStageOfAForwardedPacket) {
    const TracedPacket packets[] = {forwarded()};
    const Json rows = trace_rows(packets, naming(), kPorts);
    ASSERT_EQ(rows.size(), kStages);
    EXPECT_EQ(rows[0]["packet"], 1);
    EXPECT_EQ(rows[0]["worker"], 1);
    EXPECT_EQ(rows[0]["port"], "desktops");
    EXPECT_NE(row_of(rows, "flow")["outcome"].get<std::string>().find("new flow, from the desktop, desktop d7"),
              std::string::npos);
    EXPECT_EQ(row_of(rows, "egress")["outcome"], "to the scheduler of upstream, allotment 3");
    EXPECT_EQ(row_of(rows, "egress")["counters"][0], "forwarded +1");
}

TEST(TraceValues, AfterADropOnlyTheEndIsShown) {
    TracedPacket packet = forwarded();
    for (auto i = static_cast<std::size_t>(Stage::verdict); i < kStages; ++i) {
        packet.stages[i].fate = TraceFate::dropped;
        packet.stages[i].reason = DropReason::threat_address;
    }
    packet.stages[kStages - 1].changes[0] = {true, static_cast<std::uint8_t>(DropReason::threat_address), 1};
    const TracedPacket packets[] = {packet};
    const Json rows = trace_rows(packets, naming(), kPorts);
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(Stage::verdict) + 2) << "up to the verdict, and the egress";
    EXPECT_EQ(row_of(rows, "verdict")["fate"], "dropped");
    EXPECT_EQ(row_of(rows, "verdict")["outcome"].get<std::string>().find("threat_address: "), 0U);
    EXPECT_EQ(row_of(rows, "egress")["outcome"].get<std::string>().find("dropped, threat_address: "), 0U);

    RehearsalResult result;
    result.packets.push_back({"SYN", packet, {}});
    const Json verdict = rehearsed_verdict(result);
    EXPECT_EQ(verdict["verdict"], "drop");
    EXPECT_EQ(verdict["reason"], "threat_address");
    EXPECT_EQ(verdict["stage"], "verdict");
    EXPECT_EQ(verdict["packet"], "SYN");
}

TEST(TraceValues, TheLastPacketThatWasPlayedDecides) {
    RehearsalResult result;
    result.packets.push_back({"SYN", forwarded(), {}});
    EXPECT_EQ(rehearsed_verdict(result)["verdict"], "forward");
    TracedPacket unresolved = forwarded();
    Departure up;
    up.way = Departure::Way::kernel;
    result.packets.push_back({"first payload", unresolved, {up}});
    EXPECT_EQ(rehearsed_verdict(result)["verdict"], "kernel");
    TracedPacket answered = forwarded();
    answered.stages[kStages - 1].fate = TraceFate::consumed;
    result.packets.push_back({"first payload", answered, {}});
    EXPECT_EQ(rehearsed_verdict(result)["verdict"], "answer here");
    EXPECT_TRUE(rehearsed_verdict(result)["reason"].is_null());
    const Json rows = rehearsed_rows(result, naming(), kPorts);
    EXPECT_EQ(rows["left"].size(), 1U);
    EXPECT_EQ(rows["left"][0]["way"], "kernel");
}

} // namespace
} // namespace foregate::control
