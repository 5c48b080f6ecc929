// SPDX-License-Identifier: BSD-3-Clause
#include "control/capture/trace_desk.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace foregate::control {
namespace {

using Time = std::chrono::steady_clock::time_point;

/// Workers that do what they are told when the test says so.
class TraceDeskTest : public ::testing::Test {
protected:
    TraceDeskTest()
        : desk(2, [this](unsigned worker, const dataplane::Order& order) {
              if (full.contains(worker)) {
                  return false;
              }
              if (const auto* start = std::get_if<dataplane::StartTrace>(&order)) {
                  jobs[worker] = start->job;
              } else {
                  stops[worker] += std::holds_alternative<dataplane::StopTrace>(order) ? 1 : 0;
              }
              return true;
          }) {}
    ~TraceDeskTest() override {
        for (auto& [worker, job] : jobs) {
            if (job != nullptr) {
                job->released = true;
            }
        }
    }
    void start(unsigned count) { desk.start(count, dataplane::PacketFilter("tcp"), at(10)); }
    static Time at(int seconds) { return Time{std::chrono::seconds(seconds)}; }
    void bring(unsigned worker, std::uint64_t time_ns) {
        dataplane::TracedPacket packet;
        packet.time_ns = time_ns;
        packet.worker = static_cast<std::uint16_t>(worker);
        ASSERT_TRUE(jobs[worker]->packets.post(packet));
    }
    void let_go() {
        for (auto& [worker, job] : jobs) {
            job->released = true;
            job = nullptr;
        }
    }
    std::map<unsigned, dataplane::TraceJob*> jobs;
    std::map<unsigned, int> stops;
    std::set<unsigned> full;
    TraceDesk desk;
};

TEST_F(TraceDeskTest, EndsWhenItHasAllInTheOrderOfTime) {
    start(2);
    EXPECT_TRUE(desk.running());
    EXPECT_EQ(jobs[0]->left, jobs[1]->left) << "the workers share one count";
    EXPECT_EQ(jobs[0]->left->load(), 2);
    bring(1, 50);
    EXPECT_FALSE(desk.tick(at(1)));
    bring(0, 20);
    EXPECT_TRUE(desk.tick(at(2)));
    EXPECT_FALSE(desk.running());
    ASSERT_EQ(desk.packets().size(), 2U);
    EXPECT_EQ(desk.packets()[0].time_ns, 20U);
    EXPECT_EQ(desk.packets()[1].worker, 1);
}

TEST_F(TraceDeskTest, EndsWithItsTime) {
    start(5);
    bring(0, 1);
    EXPECT_FALSE(desk.tick(at(9)));
    EXPECT_TRUE(desk.tick(at(10)));
    EXPECT_EQ(desk.packets().size(), 1U);
    EXPECT_FALSE(desk.tick(at(11)));
}

TEST_F(TraceDeskTest, AJobLivesUntilItsWorkerLetsItGo) {
    start(1);
    EXPECT_THROW(start(1), std::runtime_error);
    desk.stop();
    desk.tick(at(1));
    EXPECT_EQ(stops[0], 1);
    EXPECT_EQ(stops[1], 1);
    EXPECT_EQ(desk.unreleased(), 2U);
    EXPECT_THROW(start(1), std::runtime_error) << "the workers still hold the last one";
    let_go();
    desk.tick(at(2));
    EXPECT_EQ(desk.unreleased(), 0U);
    EXPECT_NO_THROW(start(1));
    EXPECT_EQ(stops[0], 1) << "told once";
}

TEST_F(TraceDeskTest, AFullMailboxIsTriedAgain) {
    full = {0, 1};
    EXPECT_THROW(start(1), std::runtime_error);
    full = {0};
    start(1);
    EXPECT_FALSE(jobs.contains(0));
    full = {1};
    desk.stop();
    desk.tick(at(1));
    EXPECT_EQ(stops[1], 0);
    full = {};
    desk.tick(at(2));
    EXPECT_EQ(stops[1], 1);
}

} // namespace
} // namespace foregate::control
