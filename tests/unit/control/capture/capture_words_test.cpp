// SPDX-License-Identifier: BSD-3-Clause
#include "control/capture/capture_words.h"

#include <gtest/gtest.h>

#include <functional>
#include <sstream>

namespace foregate::control {
namespace {

std::vector<std::string> split(const std::string& line) {
    std::istringstream in(line);
    return {std::istream_iterator<std::string>(in), {}};
}

template <typename Parse>
std::string problem_of(Parse parse, const std::string& line) {
    try {
        (void)parse(split(line));
    } catch (const std::invalid_argument& problem) {
        return problem.what();
    }
    return "none";
}

TEST(CaptureWords, NameAlone) {
    const CaptureWords words = parse_capture_words(split("monday"));
    EXPECT_EQ(words.file, "monday");
    EXPECT_TRUE(words.ports.empty() && words.in && words.out && words.filter.empty());
    EXPECT_EQ(words.files, 1U);
    EXPECT_FALSE(words.packets || words.size_bytes || words.snap_bytes);
}

TEST(CaptureWords, Everything) {
    const CaptureWords words = parse_capture_words(
        split("a.pcapng port desktops port upstream in snap 96 size 20MB files 5 packets 1000 filter tcp port 443"));
    EXPECT_EQ(words.file, "a");
    EXPECT_EQ(words.ports, (std::vector<std::string>{"desktops", "upstream"}));
    EXPECT_TRUE(words.in);
    EXPECT_FALSE(words.out);
    EXPECT_EQ(words.snap_bytes, 96U);
    EXPECT_EQ(words.size_bytes, 20'000'000U);
    EXPECT_EQ(words.files, 5U);
    EXPECT_EQ(words.packets, 1000U);
    EXPECT_EQ(words.filter, "tcp port 443");
}

TEST(CaptureWords, AFileNeverLeavesItsFolder) {
    for (const char* bad : {"../x", "/etc/x", "a/b", ".hidden", "-rf", ".pcapng", "a\nb"}) {
        EXPECT_THROW((void)parse_capture_words(std::vector<std::string>{bad}), std::invalid_argument) << bad;
    }
    EXPECT_THROW((void)parse_capture_words(std::vector<std::string>{""}), std::invalid_argument);
    EXPECT_THROW((void)parse_capture_words(std::vector<std::string>{std::string(65, 'a')}), std::invalid_argument);
}

TEST(CaptureWords, SaysWhatIsWrong) {
    const auto problem = [](const char* line) { return problem_of(parse_capture_words, line); };
    EXPECT_NE(problem("").find("FILE"), std::string::npos);
    EXPECT_NE(problem("a size").find("size: a value is missing"), std::string::npos);
    EXPECT_NE(problem("a size 5").find("size: 5"), std::string::npos);
    EXPECT_NE(problem("a size 100B").find("too small"), std::string::npos);
    EXPECT_NE(problem("a packets 0").find("packets: 0"), std::string::npos);
    EXPECT_NE(problem("a packets -1").find("packets: -1"), std::string::npos);
    EXPECT_NE(problem("a filter").find("expression is missing"), std::string::npos);
    EXPECT_NE(problem("a tcp").find("unknown word 'tcp'"), std::string::npos);
}

TEST(TraceWords, CountTimeAndFilter) {
    const TraceWords words = parse_trace_words(split("5 within 30 tcp port 443"));
    EXPECT_EQ(words.count, 5U);
    EXPECT_EQ(words.within.count(), 30);
    EXPECT_EQ(words.filter, "tcp port 443");
    EXPECT_EQ(parse_trace_words(split("1 filter icmp")).filter, "icmp");
    EXPECT_EQ(parse_trace_words(split("1")).filter, "");
    EXPECT_NE(problem_of(parse_trace_words, "many").find("COUNT: many"), std::string::npos);
    EXPECT_NE(problem_of(parse_trace_words, "0").find("COUNT: 0"), std::string::npos);
    EXPECT_NE(problem_of(parse_trace_words, "1 within").find("within"), std::string::npos);
}

TEST(FiveTupleWords, AddressesAndNames) {
    FiveTupleWords words = parse_five_tuple_words(split("tcp 10.10.1.1:40000 10.20.0.80:443 name www.example.com"));
    EXPECT_EQ(words.protocol, 6);
    EXPECT_EQ(words.source.address(), dataplane::IpAddress::parse("10.10.1.1"));
    EXPECT_EQ(words.source.port, 40000);
    EXPECT_EQ(words.destination.port, 443);
    EXPECT_EQ(words.name, "www.example.com");
    words = parse_five_tuple_words(split("udp [fd00:10::1] [fd00:20::53]:53"));
    EXPECT_EQ(words.source.address(), dataplane::IpAddress::parse("fd00:10::1"));
    EXPECT_EQ(words.source.port, 0);
    EXPECT_EQ(words.destination.port, 53);
    words = parse_five_tuple_words(split("tcp d01 db.lab:5432"));
    EXPECT_EQ(words.source.host, "d01");
    EXPECT_FALSE(words.source.address());
    EXPECT_EQ(words.destination.host, "db.lab");
    words = parse_five_tuple_words(split("icmpv6 fd00:10::1 fd00:20::80"));
    EXPECT_EQ(words.protocol, 58);
    EXPECT_EQ(words.destination.address(), dataplane::IpAddress::parse("fd00:20::80"));
    EXPECT_EQ(parse_five_tuple_words(split("47 10.10.1.1 10.20.0.80")).protocol, 47);
}

TEST(FiveTupleWords, SaysWhatIsWrong) {
    const auto problem = [](const char* line) { return problem_of(parse_five_tuple_words, line); };
    EXPECT_NE(problem("").find("PROTOCOL"), std::string::npos);
    EXPECT_NE(problem("tpc a b").find("'tpc' is no protocol"), std::string::npos);
    EXPECT_NE(problem("256 a b").find("'256' is no protocol"), std::string::npos);
    EXPECT_NE(problem("tcp a b").find("port is missing"), std::string::npos);
    EXPECT_NE(problem("tcp a b:0").find("no port"), std::string::npos);
    EXPECT_NE(problem("tcp a b:65536").find("no port"), std::string::npos);
    EXPECT_NE(problem("icmp 10.0.0.1:5 10.0.0.2").find("no ports"), std::string::npos);
    EXPECT_NE(problem("tcp [fd00::1 b:1").find("[fd00::1"), std::string::npos);
    EXPECT_NE(problem("tcp [10.0.0.1]:5 b:1").find("no IPv6 address"), std::string::npos);
    EXPECT_NE(problem("tcp fd00::1:x b:1").find("no port"), std::string::npos);
    EXPECT_NE(problem("tcp a b:1 c").find("unknown word 'c'"), std::string::npos);
    EXPECT_NE(problem("tcp a b:1 name c d").find("one word too many"), std::string::npos);
}

} // namespace
} // namespace foregate::control
