// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/telnet_server.h"

#include "control/console/telnet_input.h"
#include "unit/control/console/sample_console.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fstream>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace foregate::control {
namespace {

/// A raw telnet client.
class Client {
public:
    explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        const timeval patience{20, 0}; // a hanging server fails the test instead of hanging it
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    }
    ~Client() { ::close(fd_); }

    void send(std::string_view bytes) {
        EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes));
    }
    void end_input() { ::shutdown(fd_, SHUT_WR); }

    /// Everything up to and with `mark`, or up to the end of the connection.
    std::string until(const std::string& mark) {
        std::string got;
        char c = 0;
        while (!got.ends_with(mark) && ::recv(fd_, &c, 1, 0) == 1) {
            got += c;
        }
        EXPECT_TRUE(got.ends_with(mark)) << got;
        return got;
    }
    void try_send(std::string_view bytes) {
        ended_ = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    /// Up to the end, however it comes.
    std::string all() {
        std::string got;
        char c = 0;
        while ((ended_ = ::recv(fd_, &c, 1, 0)) == 1) {
            got += c;
        }
        return got;
    }
    /// Up to an orderly end.
    std::string rest() {
        std::string got = all();
        EXPECT_EQ(ended_, 0);
        return got;
    }

private:
    int fd_;
    ssize_t ended_ = 0;
};

class ConsoleTelnet : public ::testing::Test {
protected:
    TelnetSettings settings() {
        TelnetSettings s;
        s.token = "secret-token";
        return s;
    }
    SampleConsole sample;
    TelnetServer server{"127.0.0.1", 0, sample.runner, settings()};
    const std::string prompt = "\r\nforegate> ";
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST_F(ConsoleTelnet, ShowsAndExplainsErrors) {
    Client client(server.port());
    EXPECT_TRUE(has(client.until(prompt), "foregate console"));
    client.send("show ports\r\n");
    EXPECT_TRUE(has(client.until(prompt), "up0          3456\r\n"));
    client.send("sh por | match up0 | count\r"); // CR NUL, as telnet sends it
    client.send(std::string_view("\0", 1));
    EXPECT_TRUE(has(client.until(prompt), "\r\n1\r\n"));
    client.send("show ports json\n"); // bare LF, as netcat sends it
    EXPECT_TRUE(has(client.until(prompt), "\"port\": \"desk0\""));
    client.send("session log x\r\n");
    EXPECT_TRUE(has(client.until(prompt), "error: session: ambiguous 'log': login, logout"));
    client.send("show session\r\n");
    EXPECT_TRUE(has(client.until(prompt), "error: show session: missing NAME"));
    client.send("show ports | sort\r\n");
    EXPECT_TRUE(has(client.until(prompt), "error: unknown pipe 'sort'"));
    client.send("quit\r\n");
    client.rest();
}

TEST_F(ConsoleTelnet, TabAndQuestionMark) {
    Client client(server.port());
    client.until(prompt);
    client.send("sho\t");
    EXPECT_TRUE(has(client.until("show "), "show "));
    client.send("?");
    const std::string help = client.until(prompt + "show ");
    EXPECT_TRUE(has(help, "Ports and their counters"));
    EXPECT_TRUE(has(help, "One shadow session"));
    client.send("po\t\r\n");
    EXPECT_TRUE(has(client.until(prompt), "desk0"));
    client.send("show session oth\t\r\n");
    EXPECT_TRUE(has(client.until(prompt), "desktop: other\r\n"));
    client.send("show session ?");
    EXPECT_TRUE(has(client.until(prompt + "show session "), "<NAME>"));
    client.send("\x15show ports ?"); // clear the line; no arguments to show
    EXPECT_TRUE(has(client.until(prompt + "show ports "), "Ports and their counters"));
    client.send("\r\n");
    EXPECT_TRUE(has(client.until(prompt), "desk0"));
    client.send("\x1b[A\r\n"); // history
    EXPECT_TRUE(has(client.until(prompt), "desk0"));
}

TEST_F(ConsoleTelnet, ChangesNeedTheToken) {
    Client client(server.port());
    client.until(prompt);
    client.send("session login desk-1\r\n");
    EXPECT_TRUE(
        has(client.until(prompt), "only shows over TCP; use `foregate console` or `enable TOKEN`"));
    client.send("enable wrong\r\n");
    EXPECT_TRUE(has(client.until(prompt), "wrong token"));
    client.send("enable secret-token\r\n");
    client.until("foregate# ");
    client.send("session login desk-1\r\n");
    client.until("foregate# ");
    client.send("\x10\x10"); // the token does not come back with the up key
    client.send("\x15history\r\n");
    EXPECT_FALSE(has(client.until("foregate# "), "secret-token"));
    client.send("disable\r\n");
    client.until(prompt);
    client.send("session login desk-2\r\n");
    client.until(prompt);
    EXPECT_EQ(sample.queue.call([&] { return CommandResult::success(sample.logins); }).value.dump(),
              "[\"desk-1\"]");
}

TEST_F(ConsoleTelnet, ThreeWrongTokensEndIt) {
    Client client(server.port());
    client.until(prompt);
    client.send("enable a\r\nenable b\r\nenable c\r\n");
    EXPECT_TRUE(has(client.rest(), "wrong token"));
}

TEST_F(ConsoleTelnet, TelnetCommandsLongLinesAndGarbage) {
    Client client(server.port());
    client.until(prompt);
    client.send("\xff\xfd\x03\xff\xfb\x1f" // DO SGA, WILL NAWS
                "\xff\xfa\x1f"
                "show\xff\xf0" // a subnegotiation with text inside
                "\xff\xff\xc3\xa4\x1ashow ports\r\n");
    const std::string got = client.until(prompt);
    EXPECT_TRUE(has(got, "up0          3456"));
    EXPECT_TRUE(has(got, "\xff\xfe\x1f")); // DONT NAWS
    client.send(std::string(100000, 'x') + "\r\n");
    EXPECT_TRUE(has(client.until(prompt), "error: unknown word 'xxx"));
    client.send(std::string(5000, ' ') + "sho\t\t\t?\r\n");
    client.until(prompt);
    client.send("\x15\"\r\n");
    client.until(prompt);
    client.send("| |\r\n\\\r\n");
    client.send("show sessions\r\n");
    client.until("none\r\n" + prompt);
}

TEST_F(ConsoleTelnet, InputThatEndsIsStillAnswered) {
    Client client(server.port());
    client.send("show ports\nsession login\n");
    client.end_input();
    const std::string got = client.rest();
    EXPECT_TRUE(has(got, "desk0"));
    EXPECT_TRUE(has(got, "missing NAME"));
}

TEST_F(ConsoleTelnet, AbruptEndsGiveTheirPlaceBack) {
    for (int i = 0; i < 20; ++i) {
        Client client(server.port());
        client.send("show ports\r\nshow ports\r\n"); // gone before the answer
    }
    std::string got;
    for (int i = 0; i < 10000 && !has(got, "desk0");
         ++i) { // refused while the others are being cleared away
        Client client(server.port());
        client.try_send("show ports\r\nquit\r\n");
        got = client.all();
    }
    EXPECT_TRUE(has(got, "desk0"));
}

TEST_F(ConsoleTelnet, TooManyClientsAndStopWithClients) {
    std::vector<std::unique_ptr<Client>> clients;
    for (std::size_t i = 0; i < TelnetServer::kMostClients; ++i) {
        clients.push_back(std::make_unique<Client>(server.port()));
        clients.back()->until(prompt);
    }
    EXPECT_TRUE(has(Client(server.port()).rest(), "too many console clients"));
    server.stop();
    clients.front()->rest();
}

TEST(ConsoleTelnetServer, LoopbackOnly) {
    SampleConsole sample;
    EXPECT_THROW(TelnetServer("0.0.0.0", 0, sample.runner), std::runtime_error);
    EXPECT_THROW(TelnetServer("::", 0, sample.runner), std::runtime_error);
    EXPECT_THROW(TelnetServer("localhost", 0, sample.runner), std::runtime_error);
}

TEST(ConsoleTelnetServer, TokenFile) {
    TempFolder folder;
    const auto file = folder.path / "token";
    EXPECT_THROW(static_cast<void>(read_token_file(file)), std::runtime_error);
    std::ofstream(file) << " long-enough \nsecond line\n";
    std::filesystem::permissions(file, std::filesystem::perms(0640));
    EXPECT_EQ(read_token_file(file), "long-enough");
    std::filesystem::permissions(file, std::filesystem::perms(0644));
    EXPECT_THROW(static_cast<void>(read_token_file(file)), std::runtime_error);
}

TEST(ConsoleTelnetInput, TheEditorsLineIsBounded) {
    TelnetInput input;
    std::string editor;
    std::string client;
    for (int i = 0; i < 50; ++i) { // 900 bytes, up key, 900 more, and so on
        input.feed(std::string(900, 'a') + "\r\x10", editor, client);
    }
    std::size_t line = 0;
    std::size_t longest = 0;
    std::size_t history = 0;
    for (const char c : editor) {
        if (c == '\r') {
            history = std::max(history, line);
            line = 0;
        } else {
            line = c == '\x10' ? history : line + 1;
        }
        longest = std::max(longest, line);
    }
    EXPECT_LE(longest, TelnetInput::kMostTyped + TelnetInput::kLongestCompletion + 1);
    EXPECT_FALSE(client.empty());
}

} // namespace
} // namespace foregate::control
