// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/dns_message.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace foregate::dataplane {
namespace {

using Bytes = std::vector<std::uint8_t>;

class DnsBuilder {
public:
    DnsBuilder(std::uint16_t id, std::uint16_t flags) {
        u16(id).u16(flags).u16(0).u16(0).u16(0).u16(0);
    }
    DnsBuilder& u8(unsigned value) {
        bytes.push_back(static_cast<std::uint8_t>(value));
        return *this;
    }
    DnsBuilder& u16(unsigned value) { return u8(value >> 8 & 0xff).u8(value & 0xff); }
    DnsBuilder& u32(unsigned value) { return u16(value >> 16).u16(value & 0xffff); }
    DnsBuilder& labels(const std::string& name) { // "a.b" -> 1 a 1 b, without the end
        std::size_t start = 0;
        while (start < name.size()) {
            const std::size_t end = std::min(name.find('.', start), name.size());
            u8(static_cast<unsigned>(end - start));
            bytes.insert(bytes.end(), name.begin() + static_cast<std::ptrdiff_t>(start),
                         name.begin() + static_cast<std::ptrdiff_t>(end));
            start = end + 1;
        }
        return *this;
    }
    DnsBuilder& name(const std::string& text) { return labels(text).u8(0); }
    DnsBuilder& pointer(unsigned to) { return u16(0xc000 | to); }
    DnsBuilder& question(const std::string& text, unsigned type) {
        count(4);
        return name(text).u16(type).u16(kDnsClassIn);
    }
    /// After the owner: a record of class IN.
    DnsBuilder& record(unsigned type, unsigned ttl, const Bytes& data) {
        count(6);
        u16(type).u16(kDnsClassIn).u32(ttl).u16(static_cast<unsigned>(data.size()));
        bytes.insert(bytes.end(), data.begin(), data.end());
        return *this;
    }
    void count(std::size_t at) { ++bytes[at + 1]; }

    Bytes bytes;
};

Bytes wire_name(const std::string& text) {
    DnsBuilder only(0, 0);
    only.bytes.clear();
    return only.name(text).bytes;
}

DnsBuilder response(const std::string& name, unsigned type = kDnsTypeA) {
    DnsBuilder builder(0x1234, 0x8180);
    builder.question(name, type);
    return builder;
}

TEST(DnsMessage, ReadsAQuery) {
    DnsBuilder builder(0xbeef, 0x0100);
    builder.question("WWW.Example.com", kDnsTypeAaaa);
    DnsMessage message;
    ASSERT_EQ(parse_dns_message(builder.bytes, message), DnsResult::query);
    EXPECT_EQ(message.id, 0xbeef);
    EXPECT_EQ(message.name.view(), "www.example.com");
    EXPECT_EQ(message.question_type, kDnsTypeAaaa);
    EXPECT_EQ(message.question_class, kDnsClassIn);
    EXPECT_EQ(message.question_end, builder.bytes.size());
}

TEST(DnsMessage, EveryTruncationOfAQueryIsMalformed) {
    DnsBuilder builder(1, 0x0100);
    builder.question("www.example.com", kDnsTypeA);
    for (std::size_t size = 0; size < builder.bytes.size(); ++size) {
        const Bytes cut(builder.bytes.begin(),
                        builder.bytes.begin() + static_cast<std::ptrdiff_t>(size));
        DnsMessage message;
        EXPECT_EQ(parse_dns_message(cut, message), DnsResult::malformed) << size;
        EXPECT_TRUE(message.name.empty()) << size;
    }
}

TEST(DnsMessage, ReadsAddressesWithTheirTtl) {
    DnsBuilder builder = response("db.example");
    builder.pointer(12).record(kDnsTypeA, 300, {192, 0, 2, 1});
    builder.pointer(12).record(kDnsTypeA, 60, {192, 0, 2, 2});
    Bytes v6(16, 0);
    v6[0] = 0x20;
    v6[1] = 0x01;
    v6[15] = 9;
    builder.pointer(12).record(kDnsTypeAaaa, 120, v6);
    DnsMessage message;
    ASSERT_EQ(parse_dns_message(builder.bytes, message), DnsResult::answer);
    ASSERT_EQ(message.address_count, 3);
    EXPECT_EQ(message.addresses[0].address.to_string(), "192.0.2.1");
    EXPECT_EQ(message.addresses[0].ttl_s, 300U);
    EXPECT_EQ(message.addresses[1].ttl_s, 60U);
    EXPECT_EQ(message.addresses[2].address.to_string(), "2001::9");
    EXPECT_EQ(message.name.view(), "db.example");
}

TEST(DnsMessage, FollowsCnameChainsInAnyOrderWithTheSmallestTtl) {
    DnsBuilder builder = response("a.example");
    builder.name("c.example").record(kDnsTypeA, 300, {192, 0, 2, 3});
    builder.name("b.EXAMPLE").record(kDnsTypeCname, 20, wire_name("c.example"));
    builder.pointer(12).record(kDnsTypeCname, 600, wire_name("B.example"));
    builder.name("other.example").record(kDnsTypeA, 300, {198, 51, 100, 1});
    DnsMessage message;
    ASSERT_EQ(parse_dns_message(builder.bytes, message), DnsResult::answer);
    ASSERT_EQ(message.address_count, 1);
    EXPECT_EQ(message.addresses[0].address.to_string(), "192.0.2.3");
    EXPECT_EQ(message.addresses[0].ttl_s, 20U);
}

TEST(DnsMessage, ACnameLoopEnds) {
    DnsBuilder builder = response("a.example");
    builder.name("a.example").record(kDnsTypeCname, 5, wire_name("b.example"));
    builder.name("b.example").record(kDnsTypeCname, 5, wire_name("a.example"));
    builder.name("b.example").record(kDnsTypeA, 5, {192, 0, 2, 7});
    DnsMessage message;
    ASSERT_EQ(parse_dns_message(builder.bytes, message), DnsResult::answer);
    // a -> b -> a is left by the first unused link: the address is found, and the walk stops.
    ASSERT_EQ(message.address_count, 1);
    EXPECT_EQ(message.addresses[0].address.to_string(), "192.0.2.7");
}

TEST(DnsMessage, PointersMustLeadBackwards) {
    DnsBuilder self = response("a.example");
    const unsigned here = static_cast<unsigned>(self.bytes.size());
    self.pointer(here).record(kDnsTypeA, 5, {192, 0, 2, 1});
    DnsMessage message;
    ASSERT_EQ(parse_dns_message(self.bytes, message), DnsResult::answer);
    EXPECT_EQ(message.address_count, 0);

    DnsBuilder loop = response("a.example");
    const unsigned start = static_cast<unsigned>(loop.bytes.size());
    loop.labels("x").pointer(start).record(kDnsTypeA, 5, {192, 0, 2, 1});
    ASSERT_EQ(parse_dns_message(loop.bytes, message), DnsResult::answer);
    EXPECT_EQ(message.address_count, 0);

    DnsBuilder in_question(1, 0x0100);
    in_question.count(4);
    in_question.pointer(12).u16(1).u16(1);
    EXPECT_EQ(parse_dns_message(in_question.bytes, message), DnsResult::malformed);
}

TEST(DnsMessage, KeepsAtMostSixteenAddresses) {
    DnsBuilder builder = response("many.example");
    for (unsigned i = 0; i < 40; ++i) {
        builder.pointer(12).record(kDnsTypeA, 5, {192, 0, 2, static_cast<std::uint8_t>(i)});
    }
    DnsMessage message;
    ASSERT_EQ(parse_dns_message(builder.bytes, message), DnsResult::answer);
    EXPECT_EQ(message.address_count, DnsMessage::kMaxAddresses);
}

TEST(DnsMessage, ACutAnswerGivesWhatCameBefore) {
    DnsBuilder builder = response("db.example");
    const std::size_t question_end = builder.bytes.size();
    builder.pointer(12).record(kDnsTypeA, 300, {192, 0, 2, 1});
    const std::size_t first_end = builder.bytes.size();
    builder.pointer(12).record(kDnsTypeA, 300, {192, 0, 2, 2});
    for (std::size_t size = question_end; size <= builder.bytes.size(); ++size) {
        const Bytes cut(builder.bytes.begin(),
                        builder.bytes.begin() + static_cast<std::ptrdiff_t>(size));
        DnsMessage message;
        ASSERT_EQ(parse_dns_message(cut, message), DnsResult::answer);
        const int expected = size < first_end ? 0 : size < builder.bytes.size() ? 1 : 2;
        EXPECT_EQ(message.address_count, expected) << size;
    }
}

TEST(DnsMessage, LabelsCannotForgeDotsOrLineFeeds) {
    DnsBuilder builder(1, 0x0100);
    builder.count(4);
    builder.u8(9);
    for (const char c : std::string("evil.com\n")) {
        builder.u8(static_cast<unsigned char>(c));
    }
    builder.name("example").u16(1).u16(1);
    DnsMessage message;
    ASSERT_EQ(parse_dns_message(builder.bytes, message), DnsResult::query);
    EXPECT_EQ(message.name.view(), "evil?com?.example");
    EXPECT_TRUE(message.name.odd);
}

TEST(DnsMessage, LongestNameFitsAndALongerOneIsMalformed) {
    const std::string label(61, 'a');
    const std::string longest =
        label + "." + label + "." + label + "." + label + ".bbbb"; // 253 - 1
    DnsBuilder fits(1, 0x0100);
    fits.question(longest + "b", kDnsTypeA);
    DnsMessage message;
    ASSERT_EQ(parse_dns_message(fits.bytes, message), DnsResult::query);
    EXPECT_EQ(message.name.length, 253);
    DnsBuilder too_long(1, 0x0100);
    too_long.question(longest + "bb", kDnsTypeA);
    EXPECT_EQ(parse_dns_message(too_long.bytes, message), DnsResult::malformed);
}

TEST(DnsMessage, TcpWaitsForTheWholeMessage) {
    DnsBuilder builder(7, 0x0100);
    builder.question("db.example", kDnsTypeA);
    Bytes framed{0, static_cast<std::uint8_t>(builder.bytes.size())};
    framed.insert(framed.end(), builder.bytes.begin(), builder.bytes.end());
    framed.push_back(0); // the next message begins
    for (std::size_t size = 0; size <= framed.size(); ++size) {
        const Bytes cut(framed.begin(), framed.begin() + static_cast<std::ptrdiff_t>(size));
        DnsMessage message;
        const auto expected = size + 1 < framed.size() ? DnsResult::incomplete : DnsResult::query;
        EXPECT_EQ(parse_dns_tcp(cut, message), expected) << size;
    }
    DnsMessage message;
    EXPECT_EQ(parse_dns_tcp(Bytes{0, 3, 1, 2, 3}, message), DnsResult::malformed);
}

TEST(DnsMessage, NxdomainReplyKeepsIdQuestionAndFlagsOfTheClient) {
    DnsBuilder builder(0xabcd, 0x0110); // RD, CD
    builder.question("bad.example", kDnsTypeA);
    const std::size_t question_end = builder.bytes.size();
    builder.count(10); // an OPT record, which the reply leaves out
    builder.u8(0).u16(41).u16(1232).u32(0).u16(0);
    Bytes reply = builder.bytes; // in place
    ASSERT_EQ(build_nxdomain_reply(reply, reply), question_end);
    reply.resize(question_end);
    DnsMessage message;
    ASSERT_EQ(parse_dns_message(reply, message), DnsResult::answer);
    EXPECT_EQ(message.id, 0xabcd);
    EXPECT_EQ(message.rcode, 3);
    EXPECT_EQ(message.name.view(), "bad.example");
    EXPECT_EQ(reply[2], 0x81); // QR, RD
    EXPECT_EQ(reply[3], 0x93); // RA, CD, NXDOMAIN
    EXPECT_EQ(Bytes(reply.begin() + 4, reply.begin() + 12), (Bytes{0, 1, 0, 0, 0, 0, 0, 0}));
}

TEST(DnsMessage, NxdomainReplyRefusesWhatIsNoQuery) {
    Bytes out(512);
    const DnsBuilder answer = response("a.example");
    EXPECT_EQ(build_nxdomain_reply(answer.bytes, out), 0U);
    DnsBuilder query(1, 0x0100);
    query.question("a.example", kDnsTypeA);
    Bytes small(query.bytes.size() - 1);
    EXPECT_EQ(build_nxdomain_reply(query.bytes, small), 0U);
    EXPECT_EQ(build_nxdomain_reply(Bytes{}, out), 0U);
}

TEST(DnsMessage, AliasesInTheOrderOfTheChain) {
    DnsBuilder builder = response("www.example.com");
    builder.name("two.example").record(kDnsTypeCname, 60, wire_name("Three.example"));
    builder.pointer(12).record(kDnsTypeCname, 60, wire_name("two.example"));
    builder.name("three.example").record(kDnsTypeA, 60, {192, 0, 2, 7});
    DnsMessage message;
    ASSERT_EQ(parse_dns_message(builder.bytes, message), DnsResult::answer);
    ASSERT_EQ(message.alias_count, 2);
    EXPECT_EQ(message.aliases[0].view(), "two.example");
    EXPECT_EQ(message.aliases[1].view(), "three.example");
    EXPECT_EQ(message.address_count, 1);
}

/// Data of an HTTPS record: priority, target, then parameters of { key, value }.
Bytes service(unsigned priority, const std::string& target,
              const std::vector<std::pair<unsigned, Bytes>>& parameters) {
    DnsBuilder data(0, 0);
    data.bytes.clear();
    data.u16(priority).name(target);
    for (const auto& [key, value] : parameters) {
        data.u16(key).u16(static_cast<unsigned>(value.size()));
        data.bytes.insert(data.bytes.end(), value.begin(), value.end());
    }
    return data.bytes;
}

TEST(DnsMessage, HttpsRecords) {
    DnsBuilder builder = response("a.example", kDnsTypeHttps);
    Bytes v6(32, 0);
    v6[0] = v6[16] = 0x20;
    v6[31] = 9;
    builder.pointer(12).record(kDnsTypeHttps, 300,
                               service(1, "",
                                       {{0, {0, 1}},
                                        {1, {2, 'h', '3', 2, 'h', '2'}},
                                        {3, {0x20, 0xfb}},
                                        {4, {192, 0, 2, 1, 192, 0, 2, 2}},
                                        {5, {0, 1, 2}},
                                        {6, v6}}));
    builder.pointer(12).record(kDnsTypeHttps, 60, service(2, "svc.example", {{1, {2, 'h', '2'}}}));
    builder.pointer(12).record(kDnsTypeHttps, 60, service(3, "third.example", {}));
    DnsMessage message;
    ASSERT_EQ(parse_dns_message(builder.bytes, message), DnsResult::answer);
    ASSERT_EQ(message.service_count, DnsMessage::kMaxServices);
    const DnsService& first = message.services[0];
    EXPECT_EQ(first.priority, 1);
    EXPECT_TRUE(first.target.empty());
    EXPECT_EQ(first.protocols.view(), "h3,h2");
    EXPECT_EQ(first.port, 0x20fb);
    EXPECT_TRUE(first.encrypted_hello);
    EXPECT_EQ(first.ttl_s, 300U);
    EXPECT_EQ(message.services[1].target.view(), "svc.example");
    EXPECT_FALSE(message.services[1].encrypted_hello);
    ASSERT_EQ(message.address_count, 4);
    EXPECT_EQ(message.addresses[1].ttl_s, 300U);
    EXPECT_EQ(message.addresses[0].address, IpAddress::from_v4_wire(Bytes{192, 0, 2, 1}.data()));
    EXPECT_EQ(message.addresses[3].address, IpAddress::from_v6_wire(v6.data() + 16));
}

TEST(DnsMessage, AnHttpsRecordThatIsOnlyAnAlias) {
    DnsBuilder builder = response("a.example", kDnsTypeHttps);
    builder.pointer(12).record(kDnsTypeHttps, 300, service(0, "cdn.example", {}));
    DnsMessage message;
    ASSERT_EQ(parse_dns_message(builder.bytes, message), DnsResult::answer);
    EXPECT_EQ(message.service_count, 0);
    ASSERT_EQ(message.alias_count, 1);
    EXPECT_EQ(message.aliases[0].view(), "cdn.example");
}

TEST(DnsMessage, DamagedHttpsRecordsAreLeftOut) {
    for (const Bytes& data : {Bytes{}, Bytes{0, 1}, Bytes{0, 1, 5, 'x'}, Bytes{0, 1, 0xc0, 12},
                              Bytes{0, 1, 0, 0, 4, 0, 9, 1, 2, 3}}) {
        DnsBuilder builder = response("a.example", kDnsTypeHttps);
        builder.pointer(12).record(kDnsTypeHttps, 300, data);
        DnsMessage message;
        ASSERT_EQ(parse_dns_message(builder.bytes, message), DnsResult::answer);
        EXPECT_EQ(message.service_count, 0);
        EXPECT_EQ(message.address_count, 0);
    }
}

TEST(DnsMessage, MessagesOneAfterTheOtherOverTcp) {
    Bytes stream;
    for (const char* name : {"one.example", "two.example"}) {
        DnsBuilder query(1, 0x0100);
        query.question(name, kDnsTypeA);
        stream.push_back(0);
        stream.push_back(static_cast<std::uint8_t>(query.bytes.size()));
        stream.insert(stream.end(), query.bytes.begin(), query.bytes.end());
    }
    DnsMessage message;
    std::size_t at = 0;
    ASSERT_EQ(parse_next_dns_tcp(std::span(stream).first(40), at, message), DnsResult::query);
    EXPECT_EQ(message.name.view(), "one.example");
    const std::size_t behind_first = at;
    EXPECT_EQ(parse_next_dns_tcp(std::span(stream).first(40), at, message), DnsResult::incomplete);
    EXPECT_EQ(at, behind_first);
    ASSERT_EQ(parse_next_dns_tcp(stream, at, message), DnsResult::query);
    EXPECT_EQ(message.name.view(), "two.example");
    EXPECT_EQ(at, stream.size());
    EXPECT_EQ(parse_next_dns_tcp(stream, at, message), DnsResult::incomplete);
}

} // namespace
} // namespace foregate::dataplane
