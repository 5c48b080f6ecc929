// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/command.h"

#include "unit/control/console/sample_console.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

class ConsoleCommand : public ::testing::Test {
protected:
    ConsoleCommand() { fill_sample_table(table, logins); }
    CommandTable::Match find(const std::string& line) {
        return table.find(parse_command_line(line).words);
    }
    std::vector<std::string> complete(const std::string& line) {
        std::vector<std::string> out;
        for (const Completion& c : table.complete(line).keywords) {
            out.push_back(c.text);
        }
        return out;
    }
    std::vector<std::string> logins;
    CommandTable table;
};

TEST_F(ConsoleCommand, UniqueBeginningsAreEnough) {
    ASSERT_NE(find("sh po").command, nullptr);
    EXPECT_EQ(find("sh po").command->path, "show ports");
    EXPECT_EQ(find("SHOW Ports").command->path, "show ports");
    EXPECT_EQ(find("show session x").command->path, "show session"); // exact beats longer
    EXPECT_EQ(find("session logi \"desk 1\"").args.words, std::vector<std::string>{"desk 1"});
}

TEST_F(ConsoleCommand, AmbiguousAndUnknownNameTheCandidates) {
    EXPECT_EQ(find("s").error, "ambiguous 's': show, session");
    EXPECT_EQ(find("session log x").error, "session: ambiguous 'log': login, logout");
    EXPECT_EQ(find("show nothing").error,
              "show: unknown word 'nothing'; one of: ports, sessions, session");
    EXPECT_EQ(find("show").error, "show: incomplete command; one of: ports, sessions, session");
    EXPECT_EQ(find("").error, "no command given; one of: show, session");
}

TEST_F(ConsoleCommand, ArgumentsAreCounted) {
    EXPECT_EQ(find("session login").error,
              "session login: missing NAME; usage: session login NAME");
    EXPECT_EQ(find("show ports x").error, "show ports: takes no argument, got 'x'");
    EXPECT_NE(find("session logout a b").command, nullptr);
    EXPECT_EQ(find("session logout a b c").error,
              "session logout: one argument too many: 'c'; usage: session logout NAME [REASON]");
    EXPECT_EQ(find("\"show\" ports").command, nullptr); // quoted words are never keywords
}

TEST_F(ConsoleCommand, WrongRowsAreRefused) {
    const auto run = [](const CommandArgs&) { return CommandResult::success(); };
    EXPECT_THROW(table.add({"show ports", "", "again", false, run, {}}), std::invalid_argument);
    EXPECT_THROW(table.add({"Show", "", "case", false, run, {}}), std::invalid_argument);
    EXPECT_THROW(table.add({"a  b", "", "blanks", false, run, {}}), std::invalid_argument);
    EXPECT_THROW(table.add({"a", "", "", false, run, {}}), std::invalid_argument);
}

TEST_F(ConsoleCommand, Completes) {
    EXPECT_EQ(complete("sh"), std::vector<std::string>{"show"});
    EXPECT_EQ(complete("show s"), (std::vector<std::string>{"sessions", "session"}));
    EXPECT_EQ(complete("show ports | c"), std::vector<std::string>{"count"});
    EXPECT_TRUE(complete("show nothing ").empty());
    const auto argument = table.complete("show session de");
    ASSERT_NE(argument.command, nullptr);
    EXPECT_EQ(argument.command->path, "show session");
    EXPECT_EQ(argument.partial, "de");
}

TEST_F(ConsoleCommand, HelpShowsWhatBeginsSo) {
    const std::string help = table.help("session");
    EXPECT_NE(help.find("session logout NAME [REASON]  Log a desktop out (changes)"),
              std::string::npos);
    EXPECT_EQ(help.find("show ports"), std::string::npos);
    EXPECT_NE(table.help("").find("show ports"), std::string::npos);
}

TEST(ConsoleLine, QuotesPipesAndFlags) {
    const CommandLine line = parse_command_line(R"(a "b|c d" e\ f | match x "y z" | count --json)");
    ASSERT_EQ(line.error, "");
    ASSERT_EQ(line.words.size(), 3U);
    EXPECT_EQ(line.words[1].text, "b|c d");
    EXPECT_EQ(line.words[2].text, "e f");
    ASSERT_EQ(line.pipes.size(), 2U);
    EXPECT_EQ(line.pipes[0].text, "x y z");
    EXPECT_TRUE(line.json);
    EXPECT_TRUE(parse_command_line("show ports json").json);
    EXPECT_FALSE(parse_command_line("show session \"json\"").json);
    EXPECT_TRUE(parse_command_line("show ports|json").json);
}

TEST(ConsoleLine, Errors) {
    EXPECT_EQ(parse_command_line("a \"b").error, "missing closing \"");
    EXPECT_EQ(parse_command_line("a | sort").error,
              "unknown pipe 'sort'; expected match TEXT, count or json");
    EXPECT_EQ(parse_command_line("a |").error,
              "nothing after |; expected match TEXT, count or json");
    EXPECT_EQ(parse_command_line("a | match").error, "| match: missing TEXT");
    EXPECT_EQ(parse_command_line("| count").error, "no command before |");
    EXPECT_EQ(parse_command_line("a\x01").error, "control character in the line");
}

TEST(ConsoleLine, ShellWordsComeBackAsTheyWere) {
    const std::string line = join_words({"session", "login", "a \"b\" \\c", "|", "count"});
    const CommandLine parsed = parse_command_line(line);
    ASSERT_EQ(parsed.words.size(), 3U);
    EXPECT_EQ(parsed.words[2].text, "a \"b\" \\c");
    EXPECT_EQ(parsed.pipes.size(), 1U);
    EXPECT_EQ(join_words({"show ports | count"}), "show ports | count");
}

} // namespace
} // namespace foregate::control
