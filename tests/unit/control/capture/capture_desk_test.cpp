// SPDX-License-Identifier: BSD-3-Clause
#include "control/capture/capture_desk.h"

#include "unit/control/capture/pcapng_reader.h"
#include "unit/control/threat/scratch_folder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace foregate::control {
namespace {

using dataplane::CaptureDirection;
using dataplane::CapturePoint;
using dataplane::CaptureTap;

/// The test is the polling core: it writes to the tap that its point is armed with.
class CaptureDeskTest : public ::testing::Test {
protected:
    CaptureOrder order(const std::string& name, std::uint64_t size = 1'000'000) {
        CaptureOrder out;
        out.files.name = name;
        out.files.size_bytes = size;
        out.files.filter = "tcp";
        out.files.interfaces = {{"desktops", ""}, {"upstream", ""}};
        auto rule = std::make_shared<dataplane::CaptureRule>();
        rule->filter = dataplane::PacketFilter("tcp");
        out.rule = std::move(rule);
        out.ring_bytes = 64 * 1024;
        return out;
    }
    void start(CaptureOrder what) {
        desk.start(std::move(what), {&points[0], &points[1]}, [] { return std::uint64_t{1000}; });
    }
    void pass(unsigned point, std::uint64_t time_ns, std::uint16_t port, CaptureDirection direction) {
        CaptureTap& tap = *points[point].armed();
        std::uint8_t* room = tap.ring.reserve({time_ns, 60, 60, port, direction});
        ASSERT_NE(room, nullptr);
        std::memset(room, static_cast<int>(time_ns), 60);
        tap.ring.commit();
        tap.matched.add(1);
    }
    void wait_until_over() {
        while (!desk.tick(std::chrono::system_clock::now())) {
            std::this_thread::yield();
        }
    }
    [[nodiscard]] std::filesystem::path file(const std::string& name) const { return folder.path() / "c" / (name + ".pcapng"); }

    ScratchFolder folder;
    CapturePoint points[2];
    CaptureDesk desk{folder.path() / "c", std::chrono::hours(24)};
};

TEST_F(CaptureDeskTest, WritesWhatAllCoresSawInTheOrderOfTime) {
    EXPECT_FALSE(desk.status().has_value());
    start(order("one"));
    EXPECT_TRUE(desk.running());
    EXPECT_EQ(desk.status()->phase, CaptureStatus::Phase::running);
    ASSERT_NE(points[0].armed(), nullptr);
    ASSERT_NE(points[1].armed(), nullptr);
    pass(0, 2000, 0, CaptureDirection::in);
    pass(0, 4000, 0, CaptureDirection::in);
    points[1].armed()->lost[1].add(5);
    desk.stop("order");
    EXPECT_EQ(points[0].armed(), nullptr);
    EXPECT_FALSE(desk.running());
    const CaptureStatus status = *desk.status();
    EXPECT_EQ(status.phase, CaptureStatus::Phase::ended);
    EXPECT_EQ(status.ended_by, "order");
    EXPECT_EQ(status.packets, 2U);
    EXPECT_EQ(status.matched, 2U);
    EXPECT_EQ(status.lost, 5U);
    EXPECT_EQ(status.file, "one.pcapng");
    EXPECT_EQ(status.bytes, std::filesystem::file_size(file("one")));
    const auto blocks = read_pcapng(file("one"));
    ASSERT_EQ(blocks.size(), 7U); // section, two interfaces, two packets, two statistics
    EXPECT_EQ(blocks[1].options.at(11), std::string(1, '\0') + "tcp");
    EXPECT_EQ(blocks[4].time_ns() - blocks[3].time_ns(), 2000U);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    EXPECT_LE(blocks[3].time_ns(), static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count())) << "of this world";
    EXPECT_EQ(blocks[3].options.at(2)[0] & 3, 1); // inbound
}

TEST_F(CaptureDeskTest, EndsByItselfAfterSoManyPackets) {
    CaptureOrder three = order("three");
    three.packets = 3;
    start(std::move(three));
    for (std::uint64_t i = 0; i < 10; ++i) {
        pass(i % 2, 1000 + i, 1, CaptureDirection::out);
    }
    wait_until_over();
    EXPECT_FALSE(desk.running());
    EXPECT_EQ(desk.status()->ended_by, "packets");
    EXPECT_EQ(desk.status()->packets, 3U);
    std::size_t packets = 0;
    for (const PcapngBlock& block : read_pcapng(file("three"))) {
        packets += block.type == 6 ? 1 : 0;
    }
    EXPECT_EQ(packets, 3U);
}

TEST_F(CaptureDeskTest, EndsByItselfAtItsSize) {
    start(order("small", 4096));
    for (std::uint64_t i = 0; i < 100; ++i) {
        pass(0, 1000 + i, 0, CaptureDirection::in);
    }
    wait_until_over();
    EXPECT_EQ(desk.status()->ended_by, "size");
    EXPECT_NO_THROW((void)read_pcapng(file("small"))) << "whole although it is full";
}

TEST_F(CaptureDeskTest, OneAtATimeAndNeverOverAnother) {
    start(order("one"));
    EXPECT_THROW(start(order("two")), std::runtime_error);
    desk.stop("order");
    EXPECT_THROW(start(order("one")), std::runtime_error) << "the file is there";
    EXPECT_FALSE(desk.running());
    EXPECT_EQ(points[0].armed(), nullptr) << "nothing is armed for a capture that did not begin";
    EXPECT_NO_THROW(start(order("two")));
}

} // namespace
} // namespace foregate::control
