// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/watch/first_payload.h"

#include "dataplane/classify/dns_message.h"
#include "dataplane/classify/http_request.h"
#include "dataplane/classify/tls_client_hello.h"
#include "dataplane/packet/parse.h"

#include <gtest/gtest.h>

namespace foregate::dataplane {
namespace {

TEST(FirstPayload, TheParsersReadTheName) {
    TlsClientHello hello;
    ASSERT_EQ(parse_tls_client_hello(first_payload(kProtoTcp, 443, "www.example.com"), hello), TlsResult::found);
    EXPECT_EQ(hello.server_name.view(), "www.example.com");
    HttpRequest request;
    ASSERT_EQ(parse_http_request(first_payload(kProtoTcp, 80, "www.example.com"), request), HttpResult::found);
    EXPECT_EQ(request.host.view(), "www.example.com");
    DnsMessage message;
    ASSERT_EQ(parse_dns_message(first_payload(kProtoUdp, 53, "www.example.com."), message), DnsResult::query);
    EXPECT_EQ(message.name.view(), "www.example.com");
}

TEST(FirstPayload, NothingWhereNothingFits) {
    EXPECT_TRUE(first_payload(kProtoTcp, 443, "").empty());
    EXPECT_TRUE(first_payload(kProtoTcp, 443, ".").empty());
    EXPECT_TRUE(first_payload(kProtoUdp, 443, "www.example.com").empty());
    EXPECT_TRUE(first_payload(kProtoIcmp, 0, "www.example.com").empty());
    EXPECT_TRUE(first_payload(kProtoTcp, 80, "two words").empty());
    EXPECT_TRUE(first_payload(kProtoTcp, 80, "line\r\nbreak").empty());
    EXPECT_TRUE(first_payload(kProtoTcp, 443, std::string(254, 'a')).empty());
    EXPECT_TRUE(first_payload(kProtoUdp, 53, "a..b").empty());
    EXPECT_TRUE(first_payload(kProtoUdp, 53, std::string(64, 'a') + ".b").empty());
}

} // namespace
} // namespace foregate::dataplane
