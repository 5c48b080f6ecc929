// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/access_rule.h"
#include "control/config/config_files.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using testing::kTwoPorts;
using testing::problems;

std::string again(std::string_view text) {
    const auto rule = parse_access_rule(text);
    return rule.value ? rule.value->to_string() : "problem: " + rule.problem;
}

TEST(ConfigAccessRule, EveryForm) {
    const auto name = parse_access_rule("allow DB.example.:5432").value;
    ASSERT_TRUE(name);
    EXPECT_EQ(name->action, AccessAction::allow);
    EXPECT_EQ(name->name, "db.example");
    EXPECT_FALSE(name->exact);
    EXPECT_EQ(name->first_port, 5432);
    EXPECT_EQ(name->last_port, 5432);
    EXPECT_EQ(name->protocol, 0);
    const auto prefix = parse_access_rule("deny  [2001:db8::/32]:6881-6999/udp").value;
    ASSERT_TRUE(prefix && prefix->prefix);
    EXPECT_EQ(prefix->prefix->to_string(), "2001:db8::/32");
    EXPECT_EQ(prefix->first_port, 6881);
    EXPECT_EQ(prefix->last_port, 6999);
    EXPECT_EQ(prefix->protocol, 17);
    for (const char* text :
         {"allow db.example:5432", "deny =www.example", "deny *", "allow */udp", "deny *:25/tcp", "allow 192.0.2.1",
          "allow 192.0.2.1:80", "deny 10.0.0.0/8", "deny 10.0.0.0/8/tcp", "deny 10.0.0.0/8:443/tcp", "allow [2001:db8::1]",
          "allow [2001:db8::1]:443", "deny [2001:db8::/32]/udp", "deny 0.0.0.0/0:1-65535", "allow host"}) {
        EXPECT_EQ(again(text), text);
    }
    EXPECT_EQ(again("allow 192.0.2.1/32"), "allow 192.0.2.1");
    EXPECT_EQ(again("deny *:25/TCP"), "deny *:25/tcp");
}

TEST(ConfigAccessRule, SaysWhatIsWrong) {
    const auto problem = [](std::string_view text) { return parse_access_rule(text).problem; };
    const std::string rule = " is no rule, expected \"allow DESTINATION\" or \"deny DESTINATION\"";
    EXPECT_EQ(problem("db.example"), "\"db.example\"" + rule);
    EXPECT_EQ(problem("permit db.example"), "\"permit db.example\"" + rule);
    EXPECT_EQ(problem("deny "), "\"deny \"" + rule);
    EXPECT_EQ(problem(""), "\"\"" + rule);
    EXPECT_EQ(problem("deny a b"), "\"a b\" has a space, expected one destination a rule");
    EXPECT_EQ(problem("deny *.example"), "\"*.example\" is a pattern, expected example (it and everything below) or "
                                         "=example (it alone)");
    EXPECT_EQ(problem("deny 10.0.0.1/8"), "\"10.0.0.1/8\" is no prefix (host bits are set), expected 10.0.0.0/8");
    EXPECT_EQ(problem("deny 10.0.0.0/33"), "\"10.0.0.0/33\" is no prefix, expected such as 192.0.2.0/24");
    EXPECT_EQ(problem("deny fd00::1:443"), "\"fd00::1:443\" has more than one colon, expected an IPv6 address or prefix in "
                                           "brackets such as [2001:db8::/32]:443");
    EXPECT_EQ(problem("deny [fd00::1"), "\"[fd00::1\" has no closing bracket, expected such as [2001:db8::/32]:443");
    EXPECT_EQ(problem("deny [fd00::1]x"), "\"x\" follows the bracket, expected a port such as :443 or nothing (a prefix "
                                          "length stands inside, as in [2001:db8::/32])");
    EXPECT_EQ(problem("deny [fd00::]/64:1"), "\"/64:1\" follows the bracket, expected a port such as :443 or nothing (a "
                                             "prefix length stands inside, as in [2001:db8::/32])");
    EXPECT_EQ(problem("deny [10.0.0.1]"), "\"10.0.0.1\" is no IPv6 address or prefix without host bits, expected such as "
                                          "[2001:db8::1] or [2001:db8::/32]");
    EXPECT_EQ(problem("deny *:0"), "\"0\" is no port, expected 1..65535 or a range such as 6881-6999");
    EXPECT_EQ(problem("deny *:"), "\"\" is no port, expected 1..65535 or a range such as 6881-6999");
    EXPECT_EQ(problem("deny *:80-"), "\"80-\" is no port, expected 1..65535 or a range such as 6881-6999");
    EXPECT_EQ(problem("deny *:90-80"), "\"90-80\" is a range that ends before it begins, expected the lower port first");
    EXPECT_EQ(problem("deny *:80/sctp"), "\"sctp\" is no protocol, expected tcp or udp");
    EXPECT_NE(problem("deny 1.2.3.400"), "");
    EXPECT_NE(problem("deny ="), "");
    EXPECT_NE(problem("deny a..b"), "");
}

TEST(ConfigAccess, SiteAndClassLists) {
    const Config config = parse_config(kTwoPorts.substr(0, kTwoPorts.find("classes")) +
                                           "access:\n  rules:\n    - deny *:25/tcp\n"
                                           "classes:\n  - name: office\n    access:\n      default: deny\n      rules:\n"
                                           "        - allow [2001:db8::/32]:443\n        - allow intranet.example\n"
                                           "  - name: lab\n"
                                           "limits: {flows: 7, half-open: 0}\n",
                                       "f.yaml");
    EXPECT_EQ(config.access.otherwise, AccessDefault::allow);
    ASSERT_EQ(config.access.rules.size(), 1U);
    EXPECT_EQ(config.access.rules[0].to_string(), "deny *:25/tcp");
    EXPECT_EQ(config.classes[0].access.otherwise, AccessDefault::deny);
    ASSERT_EQ(config.classes[0].access.rules.size(), 2U);
    EXPECT_EQ(config.classes[0].access.rules[1].to_string(), "allow intranet.example");
    EXPECT_EQ(config.classes[1].access.otherwise, AccessDefault::inherit);
    EXPECT_EQ(config.limits.flows, 7U);
    EXPECT_EQ(config.limits.half_open, 0U);
    EXPECT_EQ(config.limits.new_flows_per_second, 500U);
}

TEST(ConfigAccess, ProblemsHaveFileAndLine) {
    EXPECT_EQ(problems(kTwoPorts + "access:\n  default: inherit\n  rules:\n    - deny 10.0.0.1/8\n    - allow a.example\n"
                                   "    - allow A.example\n"),
              (std::vector<std::string>{
                  "f.yaml:6: access.default: unknown value \"inherit\", expected one of allow, deny",
                  "f.yaml:8: access.rules: \"10.0.0.1/8\" is no prefix (host bits are set), expected 10.0.0.0/8",
                  "f.yaml:10: access.rules: \"allow A.example\" is listed twice, first in line 9, expected it once"}));
}

TEST(ConfigAccess, RulesThatAreNeverReachedAreAWarning) {
    const Config config = parse_config(kTwoPorts + "access:\n  rules:\n    - allow a.example\n    - deny *\n    - allow b.example\n",
                                       "f.yaml");
    EXPECT_EQ(config.warnings,
              (std::vector<std::string>{"f.yaml:9: warning: access.rules: \"allow b.example\" stands behind \"deny *\" (line 8) "
                                        "and is never reached, expected it in front"}));
}

} // namespace
} // namespace foregate::control
