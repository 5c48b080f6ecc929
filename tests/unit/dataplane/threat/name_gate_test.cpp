// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/threat/name_gate.h"
#include "dataplane/threat/naive_matcher.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace foregate::dataplane {
namespace {

bool passes(const NameGate& gate, std::string_view host) { return gate.passes(gate.look(host)); }

TEST(NameGate, AnEmptyOneLetsNothingThrough) {
    EXPECT_FALSE(passes(NameGate(), "evil.example"));
    EXPECT_FALSE(passes(NameGate(), ""));
    EXPECT_FALSE(passes(NameGate(100), "evil.example"));
}

TEST(NameGate, NeverStopsWhatIsListedOrBelow) {
    std::mt19937_64 random(5);
    NameGate gate(2000);
    std::vector<std::string> names;
    for (int i = 0; i < 2000; ++i) {
        names.push_back(random_name(random, 26, 5));
        gate.add(names.back());
    }
    for (const std::string& name : names) {
        EXPECT_TRUE(passes(gate, name)) << name;
        EXPECT_TRUE(passes(gate, random_name(random, 26, 6) + "." + name)) << name;
    }
}

TEST(NameGate, LabelsOfEveryLengthAreTold) {
    for (std::size_t length = 0; length <= 60; ++length) {
        const std::string name = std::string(length, 'a') + ".example";
        NameGate gate(1000);
        gate.add(name);
        EXPECT_TRUE(passes(gate, name));
        for (std::size_t at = 0; at < length; ++at) {
            std::string other = name;
            other[at] = 'b';
            EXPECT_FALSE(passes(gate, other)) << other;
        }
    }
}

TEST(NameGate, StopsNearlyAllOthers) {
    std::mt19937_64 random(6);
    NameGate gate(5000);
    std::set<std::string> listed;
    while (listed.size() < 5000) {
        const std::string name = "l" + std::to_string(random() % 1'000'000) + ".example";
        if (listed.insert(name).second) {
            gate.add(name);
        }
    }
    unsigned through = 0;
    for (unsigned i = 0; i < 20'000; ++i) {
        through += passes(gate, "www.m" + std::to_string(i) + ".example") ? 1 : 0;
    }
    EXPECT_LT(through, 1'000U) << "of 20,000 hosts";
}

TEST(NameGate, AHostOfVeryManyLabelsIsLeftToTheMatcher) {
    std::string host = "a";
    NameGate gate(20);
    for (int i = 0; i < 20; ++i) {
        gate.add(host + "x");
        host += ".a";
    }
    EXPECT_TRUE(passes(gate, host));
}

TEST(NameGate, TheLastTwoLabelsChooseThePart) {
    const NameGate gate(1);
    EXPECT_EQ(NameGate::registered_of("example"), 0U);
    EXPECT_NE(NameGate::registered_of("evil.example"), 0U);
    EXPECT_EQ(NameGate::registered_of("evil.example"), NameGate::registered_of("a.b.evil.example"));
    EXPECT_NE(NameGate::registered_of("evil.example"), NameGate::registered_of("evil.exampl"));
    EXPECT_EQ(gate.look("www.evil.example").registered, NameGate::registered_of("evil.example"));
    EXPECT_EQ(gate.look("example").registered, 0U);
}

} // namespace
} // namespace foregate::dataplane
