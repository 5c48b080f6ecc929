// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/unix_server.h"

#include "control/console/client.h"
#include "control/console/connection.h"
#include "control/console/unix_address.h"
#include "unit/control/console/sample_console.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace foregate::control {
namespace {

class ConsoleUnix : public ::testing::Test {
protected:
    int console(const std::vector<std::string>& words, bool json = false,
                const std::string& input = "") {
        std::ostringstream out;
        std::ostringstream err;
        std::istringstream in(input);
        const int status = run_console(path, words, json, out, err, in);
        output = out.str();
        errors = err.str();
        return status;
    }
    TempFolder folder;
    std::filesystem::path path = folder.path / "run" / "console.sock";
    SampleConsole sample;
    std::string output;
    std::string errors;
};

TEST_F(ConsoleUnix, OneCommand) {
    UnixServer server(path, sample.runner);
    EXPECT_EQ(console({"show", "ports", "|", "match", "up0"}), 0) << errors;
    EXPECT_EQ(output, "port  rx_packets\nup0         3456\n");
    EXPECT_EQ(console({"show ports | count"}, true), 0);
    EXPECT_EQ(output, "2\n");
    EXPECT_EQ(console({"show", "ports"}, true), 0);
    EXPECT_EQ(output,
              "[{\"port\":\"desk0\",\"rx_packets\":12},{\"port\":\"up0\",\"rx_packets\":3456}]\n");
    EXPECT_EQ(console({"session", "login", "desk 7"}), 0);
    EXPECT_EQ(output, "");
    EXPECT_EQ(sample.queue.call([&] { return CommandResult::success(sample.logins); }).value[0],
              "desk 7");
    EXPECT_EQ(console({"session", "logout", "x"}), 1);
    EXPECT_EQ(errors, "no such desktop\n");
}

TEST_F(ConsoleUnix, BatchStopsAtTheFirstError) {
    UnixServer server(path, sample.runner);
    EXPECT_EQ(console({}, false, "# look\n\nshow sessions\nsession login a\n"), 0);
    EXPECT_EQ(output, "none\n");
    EXPECT_EQ(console({}, false, "show sessions\nfoo\nsession login b\n"), 1);
    EXPECT_EQ(errors, "line 2: unknown word 'foo'; one of: show, session\n");
    EXPECT_EQ(sample.queue.call([&] { return CommandResult::success(sample.logins.size()); }).value,
              1);
}

TEST_F(ConsoleUnix, ModeAndStaleFile) {
    {
        UnixServer server(path, sample.runner);
        struct stat status {};
        ASSERT_EQ(::stat(path.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0660U);
        EXPECT_THROW(UnixServer(path, sample.runner), std::runtime_error); // somebody listens
        EXPECT_EQ(console({"show", "sessions"}), 0);                       // and still does
    }
    EXPECT_FALSE(std::filesystem::exists(path));
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0); // as a killed process leaves it
    const sockaddr_un address = unix_address(path);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(fd);
    ASSERT_TRUE(std::filesystem::exists(path));
    EXPECT_EQ(console({"show", "sessions"}), 1);
    EXPECT_NE(errors.find("the gateway is not running"), std::string::npos);
    UnixServer server(path, sample.runner);
    EXPECT_EQ(console({"show", "sessions"}), 0);
}

TEST_F(ConsoleUnix, ForeignFileIsLeftAlone) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << "mine";
    EXPECT_THROW(UnixServer(path, sample.runner), std::runtime_error);
    EXPECT_TRUE(std::filesystem::exists(path));
    EXPECT_EQ(console({"show", "sessions"}), 1);
}

TEST_F(ConsoleUnix, CompletionHelpAndNonsense) {
    UnixServer server(path, sample.runner);
    Connection gateway(path);
    const auto found = gateway.complete("show session desk");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[1].text, "desk-2");
    EXPECT_NE(gateway.help("show").find("show session NAME"), std::string::npos);
    EXPECT_FALSE(gateway.ask({{"nonsense", 1}})["ok"].get<bool>());
    EXPECT_FALSE(gateway.ask({{"command", 7}})["ok"].get<bool>());
    EXPECT_FALSE(gateway.ask(nlohmann::ordered_json::array())["ok"].get<bool>());
    EXPECT_EQ(answer_request(sample.runner, "{\"command\":\"\xff\"").substr(0, 11),
              "{\"ok\":false");
    const auto reply = gateway.ask({{"command", std::string(kMaxLineBytes, 'x')}});
    EXPECT_NE(reply["error"].get<std::string>().find("longer than"), std::string::npos);
    EXPECT_THROW(gateway.ask({{"help", ""}}), std::runtime_error); // and that was the end of it
}

TEST_F(ConsoleUnix, StopWithClientsConnected) {
    UnixServer server(path, sample.runner);
    Connection gateway(path);
    EXPECT_TRUE(gateway.command("show ports", false)["ok"].get<bool>());
    server.stop();
    EXPECT_THROW(gateway.command("show ports", false), std::runtime_error);
}

} // namespace
} // namespace foregate::control
