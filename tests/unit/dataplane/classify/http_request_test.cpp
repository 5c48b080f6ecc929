// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/http_request.h"

#include <gtest/gtest.h>

#include <string>

namespace foregate::dataplane {
namespace {

HttpResult parse(const std::string& text, HttpRequest& out) {
    return parse_http_request({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()},
                              out);
}

struct HostRow {
    const char* name;
    std::string request;
    const char* host;
    const char* other_host;
    std::uint16_t port;
};

TEST(HttpRequest, HostOfEveryForm) {
    const HostRow rows[] = {
        {"plain", "GET / HTTP/1.1\r\nHost: www.Example.com\r\n\r\n", "www.example.com", "", 0},
        {"port", "GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n", "a.example", "", 8080},
        {"trailing dot", "GET / HTTP/1.1\r\nHost: a.example.\r\n\r\n", "a.example", "", 0},
        {"dot and port", "GET / HTTP/1.1\r\nHost: a.example.:80\r\n\r\n", "a.example", "", 80},
        {"bare LF", "GET / HTTP/1.1\nHost:a.example\n\n", "a.example", "", 0},
        {"case of the header", "GET / HTTP/1.1\r\nhOsT:\ta.example \r\n\r\n", "a.example", "", 0},
        {"blank before colon", "GET / HTTP/1.1\r\nHost : a.example\r\n\r\n", "a.example", "", 0},
        {"folded", "GET / HTTP/1.1\r\nHost:\r\n a.example\r\n\r\n", "a.example", "", 0},
        {"later header", "GET / HTTP/1.1\r\nX-Host: no\r\nAccept: */*\r\nHost: a.example\r\n\r\n",
         "a.example", "", 0},
        {"user in host", "GET / HTTP/1.1\r\nHost: me:pw@a.example:81\r\n\r\n", "a.example", "", 81},
        {"absolute", "GET http://b.example:82/x?y=http://c/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
         "b.example", "", 82},
        {"absolute wins", "GET http://u@b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
         "b.example", "a.example", 0},
        {"two hosts", "GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", "a.example",
         "b.example", 0},
        {"connect", "CONNECT c.example:443 HTTP/1.1\r\n\r\n", "c.example", "", 443},
        {"url in the query only", "GET /?u=http://x.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
         "a.example", "", 0},
        {"IPv6", "GET / HTTP/1.1\r\nHost: [2001:DB8::1]:81\r\n\r\n", "2001:db8::1", "", 81},
        {"blank lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example", "",
         0},
        {"port out of range", "GET / HTTP/1.1\r\nHost: a.example:99999\r\n\r\n", "a.example", "",
         0},
        {"webdav", "PROPFIND /f HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example", "", 0},
    };
    for (const HostRow& row : rows) {
        HttpRequest request;
        ASSERT_EQ(parse(row.request, request), HttpResult::found) << row.name;
        EXPECT_EQ(request.host.view(), row.host) << row.name;
        EXPECT_EQ(request.other_host.view(), row.other_host) << row.name;
        EXPECT_EQ(request.port, row.port) << row.name;
        EXPECT_FALSE(request.host.odd) << row.name;
    }
}

TEST(HttpRequest, GivesMethodAndTarget) {
    const std::string text = "POST /a/b?c=d HTTP/1.1\r\nHost: a.example\r\n\r\nbody";
    HttpRequest request;
    ASSERT_EQ(parse(text, request), HttpResult::found);
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target, "/a/b?c=d");
}

TEST(HttpRequest, EveryTruncationIsIncompleteUntilTheHostIsThere) {
    const std::string text =
        "\r\nGET /index.html HTTP/1.1\r\nAccept: */*\r\nHost: cut.example\r\n\r\n";
    const std::size_t host_end = text.size() - 2;
    for (std::size_t size = 0; size <= text.size(); ++size) {
        HttpRequest request;
        EXPECT_EQ(parse(text.substr(0, size), request),
                  size < host_end ? HttpResult::incomplete : HttpResult::found)
            << size;
        EXPECT_EQ(request.host.view(), size < host_end ? "" : "cut.example") << size;
    }
}

TEST(HttpRequest, AWholeHeadWithoutAHostIsNone) {
    HttpRequest request;
    EXPECT_EQ(parse("GET / HTTP/1.0\r\n\r\n", request), HttpResult::none);
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost:\r\nA: b\r\n\r\n", request), HttpResult::none);
    EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: \r\n\r\n", request), HttpResult::none);
}

TEST(HttpRequest, OtherProtocolsAreNotHttp) {
    HttpRequest request;
    EXPECT_EQ(parse(std::string("\x16\x03\x01\x02\x00", 5), request), HttpResult::not_http);
    EXPECT_EQ(parse("SSH-2.0-OpenSSH_9.2\r\n", request), HttpResult::not_http);
    EXPECT_EQ(parse("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", request), HttpResult::not_http);
    EXPECT_EQ(parse(" GET / HTTP/1.1\r\n", request), HttpResult::not_http);
    EXPECT_EQ(parse("GET /\r\n", request), HttpResult::not_http);
    EXPECT_EQ(parse(std::string(64, 'A'), request), HttpResult::not_http);
    EXPECT_EQ(parse("EHLO mail.example\r\n", request), HttpResult::not_http);
}

TEST(HttpRequest, OddBytesInTheHostAreMarked) {
    HttpRequest request;
    ASSERT_EQ(parse(std::string("GET / HTTP/1.1\r\nHost: a\0b.example\r\n\r\n", 37), request),
              HttpResult::found);
    EXPECT_EQ(request.host.view(), "a?b.example");
    EXPECT_TRUE(request.host.odd);
    ASSERT_EQ(parse("GET / HTTP/1.1\r\nHost: [" + std::string(4000, ':') + "]\r\n\r\n", request),
              HttpResult::found);
    EXPECT_TRUE(request.host_is_ipv6_literal);
    EXPECT_EQ(request.host.length, kMaxNameLength);
}

TEST(HttpRequest, FieldsThatTellApplications) {
    HttpRequest out;
    const std::string request =
        "GET /chat HTTP/1.1\r\nHost: a.example\r\nUSER-AGENT:  Tool/1.0 (x) \r\n"
        "Content-Type: text/xml\r\nUser-Agent: second\r\n"
        "Connection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n";
    ASSERT_EQ(parse(request, out), HttpResult::found);
    EXPECT_EQ(out.user_agent, "Tool/1.0 (x)");
    EXPECT_EQ(out.content_type, "text/xml");
    EXPECT_TRUE(out.websocket);
    EXPECT_TRUE(out.whole);
    ASSERT_EQ(parse(request.substr(0, 40), out), HttpResult::found);
    EXPECT_FALSE(out.whole);
    EXPECT_FALSE(out.websocket);
    EXPECT_TRUE(out.user_agent.empty());
    ASSERT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n", out), HttpResult::found);
    EXPECT_FALSE(out.websocket);
}

} // namespace
} // namespace foregate::dataplane
