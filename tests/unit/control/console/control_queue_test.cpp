// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/control_queue.h"

#include "unit/control/console/sample_console.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

TEST(ConsoleQueue, ManyThreadsOneControlThread) {
    SampleConsole console;
    int count = 0; // the control thread's
    std::vector<std::thread> callers;
    for (int t = 0; t < 4; ++t) {
        callers.emplace_back([&] {
            for (int i = 0; i < 200; ++i) {
                ASSERT_TRUE(console.queue.call([&] { return CommandResult::success(++count); }).ok);
            }
        });
    }
    for (std::thread& t : callers) {
        t.join();
    }
    EXPECT_EQ(console.queue.call([&] { return CommandResult::success(count); }).value, 800);
    // From the control thread itself: at once, no dead end.
    const auto inner = console.queue.call(
        [&] { return console.queue.call([] { return CommandResult::success(1); }); });
    EXPECT_EQ(inner.value, 1);
    EXPECT_EQ(console.queue.call([]() -> CommandResult { throw std::runtime_error("bad"); }).error,
              "bad");
}

TEST(ConsoleQueue, OrderIsKeptAndTheDescriptorTells) {
    ControlQueue queue;
    std::string order;
    pollfd polled{queue.event_fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&polled, 1, 0), 0);
    queue.post([&] { order += 'a'; });
    queue.post([&] {
        order += 'b';
        queue.post([&] { order += 'c'; });
    });
    EXPECT_EQ(::poll(&polled, 1, 0), 1);
    queue.run_pending();
    EXPECT_EQ(order, "ab");
    EXPECT_EQ(::poll(&polled, 1, 0), 1);
    queue.run_pending();
    EXPECT_EQ(order, "abc");
    EXPECT_EQ(::poll(&polled, 1, 0), 0);
}

TEST(ConsoleQueue, DeadlineDropsWorkNotBegun) {
    ControlQueue queue(std::chrono::milliseconds(1));
    bool ran = false;
    const CommandResult result = queue.call([&] {
        ran = true;
        return CommandResult::success();
    });
    EXPECT_EQ(result.error, "the gateway did not answer within 1 ms");
    queue.run_pending();
    EXPECT_FALSE(ran);
}

TEST(ConsoleQueue, StopReleasesCallers) {
    ControlQueue queue;
    std::thread caller([&] {
        EXPECT_EQ(queue.call([] { return CommandResult::success(); }).error,
                  "the gateway is stopping");
    });
    pollfd polled{queue.event_fd(), POLLIN, 0};
    ::poll(&polled, 1, -1); // the call is queued
    queue.stop();
    caller.join();
    EXPECT_FALSE(queue.call([] { return CommandResult::success(); }).ok);
}

} // namespace
} // namespace foregate::control
