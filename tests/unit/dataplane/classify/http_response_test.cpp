// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/http_response.h"

#include <gtest/gtest.h>

#include <string>

namespace foregate::dataplane {
namespace {

bool parse(const std::string& text, HttpResponse& out) {
    return parse_http_response({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()},
                               out);
}

TEST(HttpResponse, StatusAndFields) {
    HttpResponse out;
    const std::string text =
        "HTTP/1.1 200 OK\r\nserver:Edge/2\r\nContent-Type: video/mp4\r\nServer: no\r\n\r\nbody: x";
    ASSERT_TRUE(parse(text, out));
    EXPECT_EQ(out.status, 200);
    EXPECT_EQ(out.server, "Edge/2");
    EXPECT_EQ(out.content_type, "video/mp4");
    EXPECT_TRUE(out.whole);
    EXPECT_FALSE(out.websocket);
    const std::string beginning = text.substr(0, 40);
    ASSERT_TRUE(parse(beginning, out));
    EXPECT_FALSE(out.whole);
    EXPECT_EQ(out.server, "Edge/2");
    EXPECT_TRUE(out.content_type.empty());
}

TEST(HttpResponse, WebSocketNeedsTheSwitch) {
    HttpResponse out;
    ASSERT_TRUE(parse("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", out));
    EXPECT_TRUE(out.websocket);
    ASSERT_TRUE(parse("HTTP/1.1 426\r\nUpgrade: websocket\r\n\r\n", out));
    EXPECT_FALSE(out.websocket);
}

TEST(HttpResponse, OtherBytes) {
    HttpResponse out;
    for (const char* text :
         {"", "HTTP/1.1 200 OK", "HTTP/2 200\r\n", "HTTP/1.1 20x\r\n", "HTTP/1.1 2000\r\n",
          "HTTP/1.1200\r\n", "ICY 200 OK\r\n", "HTTP/1.1 20\r\n"}) {
        EXPECT_FALSE(parse(text, out)) << text;
        EXPECT_EQ(out.status, 0) << text;
    }
}

} // namespace
} // namespace foregate::dataplane
