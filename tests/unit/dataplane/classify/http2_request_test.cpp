// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/hpack.h"
#include "dataplane/classify/http2_request.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace foregate::dataplane {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes from_hex(const std::string& hex) {
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

void append(Bytes& to, const Bytes& from) {
    to.insert(to.end(), from.begin(), from.end());
}

Bytes text(const std::string& from) {
    return {from.begin(), from.end()};
}

/// A literal field without index and without Huffman code.
Bytes literal(const std::string& name, const std::string& value, std::uint8_t kind = 0) {
    Bytes bytes{kind, static_cast<std::uint8_t>(name.size())};
    append(bytes, text(name));
    bytes.push_back(static_cast<std::uint8_t>(value.size()));
    append(bytes, text(value));
    return bytes;
}

Bytes frame(std::uint8_t type, std::uint8_t flags, const Bytes& payload) {
    Bytes bytes{0,
                static_cast<std::uint8_t>(payload.size() >> 8),
                static_cast<std::uint8_t>(payload.size()),
                type,
                flags,
                0,
                0,
                0,
                1};
    append(bytes, payload);
    return bytes;
}

/// Preface, SETTINGS, WINDOW_UPDATE, as clients begin.
Bytes beginning() {
    Bytes bytes = text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    append(bytes, frame(4, 0, {0, 3, 0, 0, 0, 100}));
    append(bytes, frame(8, 0, {0, 1, 0, 0}));
    return bytes;
}

/// RFC 7541, appendix C.4.1: GET http / www.example.com, Huffman-coded.
const Bytes kFieldsOfRfc = from_hex("828684418cf1e3c2e5f23a6ba0ab90f4ff");

std::string decoded(const std::string& hex) {
    std::array<char, 256> out;
    const std::ptrdiff_t size = hpack_huffman(from_hex(hex), out);
    return size < 0 ? "(malformed)" : std::string(out.data(), static_cast<std::size_t>(size));
}

TEST(Hpack, HuffmanStringsOfTheRfc) {
    EXPECT_EQ(decoded("f1e3c2e5f23a6ba0ab90f4ff"), "www.example.com");
    EXPECT_EQ(decoded("a8eb10649cbf"), "no-cache");
    EXPECT_EQ(decoded("25a849e95ba97d7f"), "custom-key");
    EXPECT_EQ(decoded("25a849e95bb8e8b4bf"), "custom-value");
    EXPECT_EQ(decoded("d07abe941054d444a8200595040b8166e082a62d1bff"),
              "Mon, 21 Oct 2013 20:13:21 GMT");
    EXPECT_EQ(decoded("9d29ad171863c78f0b97c8e9ae82ae43d3"), "https://www.example.com");
    EXPECT_EQ(
        decoded("94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b"
                "1063d5007"),
        "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");
    EXPECT_EQ(decoded(""), "");
}

TEST(Hpack, HuffmanFaults) {
    EXPECT_EQ(decoded("ff"), "(malformed)");           // a whole byte of padding
    EXPECT_EQ(decoded("00ffffffff"), "(malformed)");   // the end of string itself
    EXPECT_EQ(decoded("a8eb10649cbe"), "(malformed)"); // padding that is not ones
    std::array<char, 3> small;
    EXPECT_EQ(hpack_huffman(from_hex("a8eb10649cbf"), small), 8);
    EXPECT_EQ(std::string(small.data(), 3), "no-");
}

/// The three requests of RFC 7541, appendix C.4, as one block: the second and third point into the
/// dynamic table.
TEST(Hpack, TheDynamicTableWithinTheBlock) {
    Bytes block = kFieldsOfRfc;
    append(block, from_hex("828684be5886a8eb10649cbf"));
    append(block, from_hex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"));
    HpackBlock fields;
    ASSERT_EQ(fields.read(block), HpackResult::whole);
    EXPECT_EQ(fields.value(HpackName::authority), "www.example.com");
    EXPECT_EQ(fields.value(HpackName::method), "GET");
    EXPECT_EQ(fields.value(HpackName::path), "/");

    Bytes by_index = literal("user-agent", "first", 0x40);      // becomes entry 62
    append(by_index, literal(":authority", "a.example", 0x40)); // 62 now; the other is 63
    append(by_index, {0xbf, 0xbe});
    ASSERT_EQ(fields.read(by_index), HpackResult::whole);
    EXPECT_EQ(fields.value(HpackName::user_agent), "first");
    append(by_index, {0xc0}); // 64: nothing
    EXPECT_EQ(fields.read(by_index), HpackResult::malformed);
    Bytes shrunk = literal("x", "y", 0x40);
    append(shrunk, {0x20, 0xbe}); // a table of 0 bytes keeps nothing
    EXPECT_EQ(fields.read(shrunk), HpackResult::malformed);
}

TEST(Hpack, EntriesAreEvictedByTheirSize) {
    HpackBlock fields;
    Bytes block =
        literal(":authority", std::string(100, 'a'), 0x40); // 142 of the table's 4096 bytes
    for (int i = 0; i < 28; ++i) {
        append(block, literal("abcdefg", std::string(100, 'x'), 0x40)); // 139 each: 4034 in all
    }
    Bytes oldest = block;
    append(oldest, {0x80 | (62 + 28)});
    EXPECT_EQ(fields.read(oldest), HpackResult::whole);
    append(block, literal("abcdefg", std::string(100, 'x'), 0x40));
    append(block, {0x80 | (62 + 29)}); // the first one had to go
    EXPECT_EQ(fields.read(block), HpackResult::malformed);
}

TEST(Hpack, CutBlocks) {
    HpackBlock fields;
    for (std::size_t size = 1; size < kFieldsOfRfc.size(); ++size) {
        const HpackResult result = fields.read(std::span(kFieldsOfRfc).first(size));
        EXPECT_EQ(result, size <= 3 ? HpackResult::whole : HpackResult::cut) << size;
        EXPECT_EQ(fields.value(HpackName::authority), "") << size;
    }
    EXPECT_EQ(fields.read(from_hex("80")), HpackResult::malformed);
    EXPECT_EQ(fields.read(from_hex("3fffffffff7f")), HpackResult::malformed); // a huge integer
    EXPECT_EQ(fields.read(from_hex("3fff")), HpackResult::cut);
}

TEST(Http2Request, FindsTheAuthority) {
    Bytes stream = beginning();
    Bytes fields = kFieldsOfRfc;
    append(fields, literal("user-agent", "grpc-c++/1.51"));
    append(fields, literal("content-type", "application/grpc"));
    append(fields, literal("host", "other.example"));
    append(stream, frame(1, 0x04, fields));
    Http2Request request;
    ASSERT_EQ(parse_http2_request(stream, request), Http2Result::found);
    EXPECT_EQ(request.host.view(), "www.example.com");
    EXPECT_EQ(request.method.view(), "GET");
    EXPECT_EQ(request.path.view(), "/");
    EXPECT_EQ(request.user_agent.view(), "grpc-c++/1.51");
    EXPECT_EQ(request.content_type.view(), "application/grpc");
}

TEST(Http2Request, PaddingPriorityAndContinuations) {
    Bytes fields = literal(":authority", "[2001:db8::1]:8443");
    append(fields, literal(":path", "/a/b"));
    Bytes first{3, 0, 0, 0, 0, 16}; // padding, priority
    first.insert(first.end(), fields.begin(), fields.begin() + 7);
    first.insert(first.end(), 3, 0);
    Bytes stream = beginning();
    append(stream, frame(1, 0x28, first));
    append(stream, frame(9, 0, {fields.begin() + 7, fields.begin() + 20}));
    append(stream, frame(9, 0x04, {fields.begin() + 20, fields.end()}));
    Http2Request request;
    ASSERT_EQ(parse_http2_request(stream, request), Http2Result::found);
    EXPECT_EQ(request.host.view(), "2001:db8::1");
    EXPECT_TRUE(request.host_is_ipv6_literal);
    EXPECT_EQ(request.port, 8443);
    EXPECT_EQ(request.path.view(), "/a/b");
}

TEST(Http2Request, EveryTruncationIsIncompleteUntilTheHostIsThere) {
    Bytes stream = beginning();
    append(stream, frame(1, 0x04, kFieldsOfRfc));
    for (std::size_t size = 0; size < stream.size(); ++size) {
        Http2Request request;
        EXPECT_EQ(parse_http2_request(std::span(stream).first(size), request),
                  Http2Result::incomplete)
            << size;
    }
}

TEST(Http2Request, NoHostAndOtherProtocols) {
    Http2Request request;
    Bytes stream = beginning();
    append(stream, frame(1, 0x04, from_hex("828684")));
    EXPECT_EQ(parse_http2_request(stream, request), Http2Result::none);
    Bytes host = beginning();
    append(host, frame(1, 0x04, literal("host", "h.example:80")));
    ASSERT_EQ(parse_http2_request(host, request), Http2Result::found);
    EXPECT_EQ(request.host.view(), "h.example");
    Bytes broken = beginning();
    append(broken, frame(9, 0x04, kFieldsOfRfc)); // a continuation of nothing
    EXPECT_EQ(parse_http2_request(broken, request), Http2Result::none);
    Bytes endless = beginning();
    for (int i = 0; i < 40; ++i) {
        append(endless, frame(8, 0, {0, 0, 0, 1}));
    }
    EXPECT_EQ(parse_http2_request(endless, request), Http2Result::none);
    EXPECT_EQ(parse_http2_request(text("GET / HTTP/1.1\r\n"), request), Http2Result::not_http2);
    EXPECT_EQ(parse_http2_request(text("PRI * HTTP/2.1"), request), Http2Result::not_http2);
}

} // namespace
} // namespace foregate::dataplane
