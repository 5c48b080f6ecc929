// SPDX-License-Identifier: BSD-3-Clause
#include "control/destination/resolver.h"
#include "small_dns_server.h"

#include <gtest/gtest.h>
#include <optional>

namespace foregate::control {
namespace {

using std::chrono::seconds;

IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}

struct Answer {
    std::string name;
    bool is_v6;
    std::vector<IpAddress> addresses;
    std::uint32_t ttl_s;
};

class ResolverTest : public ::testing::Test {
protected:
    void start(std::map<std::string, SmallDnsServer::Zone> zones, std::uint32_t soa = 0,
               SmallDnsServer::Mood mood = SmallDnsServer::Mood::answer) {
        server.emplace(std::move(zones), soa, mood);
        ASSERT_TRUE(server->ok());
        ResolverSettings settings;
        settings.port = server->port();
        settings.timeout =
            std::chrono::milliseconds(mood == SmallDnsServer::Mood::silent ? 50 : 2000);
        settings.tries = 1;
        resolver.emplace(
            std::vector<IpAddress>{ip("127.0.0.1")},
            [this](const std::string& name, bool is_v6, const std::vector<IpAddress>& addresses,
                   std::uint32_t ttl) {
                answers.push_back({name, is_v6, addresses, ttl});
            },
            settings);
    }
    /// Until nothing is outstanding, as the control loop does it.
    void run() {
        for (int turn = 0; turn < 1000 && resolver->outstanding() != 0; ++turn) {
            std::vector<pollfd> fds;
            resolver->add_poll_fds(fds);
            const int wait = resolver->timeout_ms();
            ::poll(fds.data(), fds.size(), wait < 0 ? 100 : std::min(wait, 100));
            resolver->process(fds, now);
        }
        ASSERT_EQ(resolver->outstanding(), 0U);
    }
    const Answer* of(const std::string& name, bool is_v6) const {
        for (const Answer& a : answers) {
            if (a.name == name && a.is_v6 == is_v6) {
                return &a;
            }
        }
        return nullptr;
    }
    SteadyTime now = SteadyTime(std::chrono::hours(1));
    std::optional<SmallDnsServer> server;
    std::vector<Answer> answers;
    std::optional<Resolver> resolver;
};

TEST_F(ResolverTest, AnswersBothFamiliesWithTheirTtl) {
    start({{"db.lab", {{ip("10.1.0.5"), ip("10.1.0.6"), ip("2001:db8::5")}, 77, ""}}});
    resolver->ask("db.lab", now);
    run();
    ASSERT_EQ(answers.size(), 2U);
    ASSERT_NE(of("db.lab", false), nullptr);
    EXPECT_EQ(of("db.lab", false)->addresses,
              (std::vector<IpAddress>{ip("10.1.0.5"), ip("10.1.0.6")}));
    EXPECT_EQ(of("db.lab", false)->ttl_s, 77U);
    EXPECT_EQ(of("db.lab", true)->addresses, (std::vector<IpAddress>{ip("2001:db8::5")}));
    EXPECT_EQ(resolver->counts().answered, 2U);
}

TEST_F(ResolverTest, FollowsAnAliasAndAnswersUnderTheNameAsked) {
    start({{"www.lab", {{ip("10.1.0.5")}, 60, "web1.lab"}}});
    resolver->ask("www.lab", now);
    run();
    ASSERT_NE(of("www.lab", false), nullptr);
    EXPECT_EQ(of("www.lab", false)->addresses, (std::vector<IpAddress>{ip("10.1.0.5")}));
    ASSERT_NE(of("www.lab", true), nullptr);
    EXPECT_TRUE(of("www.lab", true)->addresses.empty());
}

TEST_F(ResolverTest, WhatDoesNotExistIsAnEmptyAnswerWithTheSoasTtlInBounds) {
    start({{"db.lab", {{ip("10.1.0.5")}, 60, ""}}}, 17);
    resolver->ask("db.lab", now);
    resolver->ask("gone.lab", now);
    run();
    ASSERT_EQ(answers.size(), 4U);
    EXPECT_TRUE(of("db.lab", true)->addresses.empty());
    EXPECT_EQ(of("db.lab", true)->ttl_s, 17U);
    EXPECT_TRUE(of("gone.lab", false)->addresses.empty());
    EXPECT_EQ(of("gone.lab", false)->ttl_s, 17U);
}

TEST_F(ResolverTest, NegativeTtlIsFiveWithoutASoaAndThirtyAtMost) {
    start({});
    resolver->ask("gone.lab", now);
    run();
    ASSERT_NE(of("gone.lab", false), nullptr);
    EXPECT_EQ(of("gone.lab", false)->ttl_s, 5U);
    resolver.reset();
    answers.clear();
    start({}, 3600);
    resolver->ask("gone.lab", now);
    run();
    ASSERT_NE(of("gone.lab", false), nullptr);
    EXPECT_EQ(of("gone.lab", false)->ttl_s, 30U);
}

TEST_F(ResolverTest, OneQuestionAtATimeForEachName) {
    start({{"db.lab", {{ip("10.1.0.5")}, 60, ""}}});
    resolver->ask("db.lab", now);
    resolver->ask("db.lab", now);
    EXPECT_EQ(resolver->outstanding(), 1U);
    run();
    EXPECT_EQ(answers.size(), 2U);
    EXPECT_EQ(server->questions(), 2U);
    resolver->ask("db.lab", now);
    EXPECT_EQ(resolver->outstanding(), 1U) << "answered: may be asked again at once";
    run();
}

TEST_F(ResolverTest, AServersErrorIsNoAnswerAndHoldsTheNameBack) {
    start({}, 0, SmallDnsServer::Mood::servfail);
    resolver->ask("db.lab", now);
    run();
    EXPECT_TRUE(answers.empty());
    EXPECT_EQ(resolver->counts().failed, 2U);
    resolver->ask("db.lab", now + seconds(1));
    EXPECT_EQ(resolver->outstanding(), 0U);
    now += seconds(2);
    resolver->ask("db.lab", now);
    EXPECT_EQ(resolver->outstanding(), 1U);
    run();
    resolver->ask("db.lab", now + seconds(3));
    EXPECT_EQ(resolver->outstanding(), 0U) << "the pause has doubled";
}

TEST_F(ResolverTest, ASilentServerTimesOut) {
    start({}, 0, SmallDnsServer::Mood::silent);
    resolver->ask("db.lab", now);
    EXPECT_GE(resolver->timeout_ms(), 0);
    run();
    EXPECT_TRUE(answers.empty());
    EXPECT_EQ(resolver->counts().failed, 2U);
}

TEST_F(ResolverTest, ABrokenNameFailsAtOnceAndEndingWithQuestionsOpenIsSafe) {
    start({}, 0, SmallDnsServer::Mood::silent);
    resolver->ask(std::string(100, 'a') + ".lab", now);
    EXPECT_EQ(resolver->outstanding(), 0U);
    resolver->ask("db.lab", now);
    resolver.reset();
    EXPECT_TRUE(answers.empty());
}

TEST_F(ResolverTest, WithoutServersNothingIsAsked) {
    Resolver none(
        {}, [](const std::string&, bool, const std::vector<IpAddress>&, std::uint32_t) { FAIL(); });
    none.ask("db.lab", now);
    EXPECT_EQ(none.outstanding(), 0U);
    EXPECT_EQ(none.timeout_ms(), -1);
}

} // namespace
} // namespace foregate::control
