// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/socks_request.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace foregate::dataplane {
namespace {

using namespace std::string_literals;

SocksResult parse(std::string_view stream, SocksRequest& out) {
    return parse_socks_request({reinterpret_cast<const std::uint8_t*>(stream.data()), stream.size()}, out);
}

TEST(SocksRequest, Version5NamesItsDestinationAfterTheGreeting) {
    SocksRequest request;
    const std::string greeting = "\x05\x02\x00\x02"s;
    EXPECT_EQ(parse(greeting, request), SocksResult::incomplete);
    const std::string whole = greeting + "\x05\x01\x00\x03\x0bwww.Example\x01\xbb"s;
    EXPECT_EQ(parse(whole.substr(0, 12), request), SocksResult::incomplete);
    EXPECT_EQ(parse(whole, request), SocksResult::found);
    EXPECT_EQ(request.host.view(), "www.example");
    EXPECT_EQ(request.port, 443);
}

TEST(SocksRequest, Version5WithAPassword) {
    SocksRequest request;
    const std::string login = "\x05\x01\x02\x01\x03joe\x02pw"s;
    EXPECT_EQ(parse(login, request), SocksResult::incomplete);
    EXPECT_EQ(parse(login + "\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x16"s, request), SocksResult::none);
    EXPECT_EQ(request.port, 22);
    EXPECT_TRUE(request.host.empty());
}

TEST(SocksRequest, Version4WithAnAddressAndWithAName) {
    SocksRequest request;
    EXPECT_EQ(parse("\x04\x01\x00\x50\x0a\x00\x00\x01joe\x00"s, request), SocksResult::none);
    EXPECT_EQ(parse("\x04\x01\x00\x50\x00\x00\x00\x01\x00www.example\x00"s, request), SocksResult::found);
    EXPECT_EQ(request.host.view(), "www.example");
    EXPECT_EQ(request.port, 80);
}

TEST(SocksRequest, OtherBytesAreNone) {
    SocksRequest request;
    for (const std::string& bytes :
         {"\x04\x01\x00\x50\x0a\x00\x00\x01joe"s, "\x04\x03\x00\x50\x0a\x00\x00\x01\x00"s,
          "\x04\x01\x00\x50\x0a\x00\x00\x01\x00x"s, "\x04\x01\x00\x50\x00\x00\x00\x01\x00name"s, "\x05\x01"s,
          "\x05\x01\x40"s, "\x05\x00\x0b\x03"s, "\x05\x01\x00\x05\x09\x00\x01\x00\x00"s, "\x06\x01\x00"s}) {
        EXPECT_EQ(parse(bytes, request), SocksResult::not_socks);
    }
}

} // namespace
} // namespace foregate::dataplane
