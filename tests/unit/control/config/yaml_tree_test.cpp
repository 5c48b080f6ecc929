// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/yaml_tree.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using Lines = std::vector<std::string>;

Lines problems_of(std::string_view text) {
    std::vector<ConfigProblem> problems;
    const auto root = read_yaml(text, "f", problems);
    Lines lines;
    for (const auto& problem : problems) {
        lines.push_back(problem.to_string());
    }
    return lines;
}

TEST(ConfigYamlTree, KeepsTextAsWrittenWithLines) {
    std::vector<ConfigProblem> problems;
    const auto root = read_yaml("a: 012\n\nb:\n  - x\n  - \"y\"\nc: {d: yes}\n", "f", problems);
    EXPECT_TRUE(problems.empty());
    ASSERT_TRUE(root.is_map());
    ASSERT_NE(root.find("a"), nullptr);
    EXPECT_EQ(root.find("a")->text, "012");
    EXPECT_EQ(root.find("a")->line, 1);
    ASSERT_EQ(root.find("b")->items.size(), 2U);
    EXPECT_EQ(root.find("b")->items[1].line, 5);
    EXPECT_TRUE(root.find("b")->items[1].quoted);
    EXPECT_EQ(root.find("c")->find("d")->text, "yes");
    EXPECT_EQ(root.find("nothing"), nullptr);
}

TEST(ConfigYamlTree, AnEmptyValueHasTheLineOfItsKey) {
    std::vector<ConfigProblem> problems;
    const auto root = read_yaml("a:\n\n\nb: 1\nc:\n", "f", problems);
    EXPECT_TRUE(root.find("a")->is_empty());
    EXPECT_EQ(root.find("a")->line, 1);
    EXPECT_EQ(root.find("c")->line, 5);
}

TEST(ConfigYamlTree, AnEmptyItemHasTheLineOfItsDash) {
    std::vector<ConfigProblem> problems;
    const auto root = read_yaml("a:\n  -\n  - # two\n\n  - x\n  -\n", "f", problems);
    const auto& items = root.find("a")->items;
    ASSERT_EQ(items.size(), 4U);
    EXPECT_EQ(items[0].line, 2);
    EXPECT_EQ(items[1].line, 3);
    EXPECT_EQ(items[2].line, 5);
    EXPECT_EQ(items[3].line, 6);
}

TEST(ConfigYamlTree, DuplicateKeysNameBothLines) {
    EXPECT_EQ(problems_of("a: 1\nb:\n  c: 1\n  d: 1\n  c: 2\na: 2\n"),
              (Lines{"f:5: duplicate key \"c\", already set in line 3, expected it once",
                     "f:6: duplicate key \"a\", already set in line 1, expected it once"}));
    EXPECT_EQ(problems_of("a: {c: 1}\nb: {c: 1}\n"), Lines{});
}

TEST(ConfigYamlTree, RefusesWhatHidesValues) {
    EXPECT_EQ(problems_of("a: &x 1\nb: *x\n"),
              (Lines{"f:1: an anchor (&name) is not supported, expected a plain value",
                     "f:2: an alias (*name) is not supported, expected the value itself"}));
    EXPECT_EQ(problems_of("a: !!int 1\n"),
              (Lines{"f:1: a tag (!type) is not supported, expected a plain value"}));
    EXPECT_EQ(problems_of("? [a]\n: 1\n"),
              (Lines{"f:1: a key that is no plain word, expected `key: value`"}));
    EXPECT_EQ(problems_of("a: 1\n---\nb: 1\n"),
              (Lines{"f:3: a second YAML document, expected one document a file"}));
}

TEST(ConfigYamlTree, RefusesBytesThatAreNoText) {
    const Lines at_two{"f:2: a byte that is no UTF-8 text, expected a YAML config"};
    EXPECT_EQ(problems_of(std::string_view("a: 1\nb: \0x\n", 10)), at_two);
    EXPECT_EQ(problems_of("a: 1\nb: \xff\n"), at_two);
    EXPECT_EQ(problems_of("a: 1\nb: \xc3"), at_two);
    EXPECT_EQ(problems_of("a: \xc3\xa9\n"), Lines{});
    EXPECT_EQ(problems_of(std::string((4U << 20) + 1, ' ')),
              (Lines{"f:0: the file is larger than 4 MiB, expected a YAML config"}));
}

TEST(ConfigYamlTree, ValuesStandOnOneLine) {
    const std::string why = ": a line end or control character within a value, expected text on one line";
    EXPECT_EQ(problems_of("a: |\n  x\n  y\nb: \"\\x1b[2J\"\n\"c\\n\": 1\n"),
              (Lines{"f:1" + why, "f:4" + why, "f:5" + why}));
}

TEST(ConfigYamlTree, SyntaxErrorsHaveALine) {
    const auto lines = problems_of("a: 1\nb: [1, 2\n");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_TRUE(lines[0].starts_with("f:3: YAML syntax: ")) << lines[0];
    EXPECT_EQ(problems_of("a: 1\n b: 2\n").size(), 1U);
}

TEST(ConfigYamlTree, DeepNestingIsAProblemAndNoCrash) {
    EXPECT_EQ(problems_of(std::string(100'000, '[')).size(), 1U);
    EXPECT_EQ(problems_of(std::string(100'000, '{')).size(), 1U);
}

} // namespace
} // namespace foregate::control
