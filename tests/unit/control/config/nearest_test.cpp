// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/nearest.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

const std::vector<std::string> kWords{"control-core", "worker-cores", "mtu", "rate", "role"};

TEST(ConfigNearest, FindsSlips) {
    EXPECT_EQ(nearest("control_core", kWords), "control-core");
    EXPECT_EQ(nearest("Control-Core", kWords), "control-core");
    EXPECT_EQ(nearest("woker-cores", kWords), "worker-cores");
    EXPECT_EQ(nearest("workercore", kWords), "worker-cores");
    EXPECT_EQ(nearest("raet", kWords), "rate");
    EXPECT_EQ(nearest("rle", kWords), "role");
    EXPECT_EQ(nearest("mut", kWords), "mtu");
}

TEST(ConfigNearest, LeavesStrangersAlone) {
    EXPECT_EQ(nearest("latency", kWords), "");
    EXPECT_EQ(nearest("", kWords), "");
    EXPECT_EQ(nearest(std::string(5000, 'x'), kWords), "");
    EXPECT_EQ(suggestion("latency", {"mtu", "rate"}), "expected one of mtu, rate");
    EXPECT_EQ(suggestion("rates", {"mtu", "rate"}), "did you mean \"rate\"?");
    EXPECT_EQ(suggestion("x", {}), "expected none");
}

} // namespace
} // namespace foregate::control
