// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/connection.h"

#include "control/console/render.h"
#include "control/console/unix_address.h"

#include <cerrno>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace foregate::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostReplyBytes = std::size_t{1} << 30;

int connect_to(const std::filesystem::path& path) {
    const sockaddr_un address = unix_address(path);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        throw std::system_error(errno, std::generic_category(), "socket");
    }
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        return fd;
    }
    const int error = errno;
    ::close(fd);
    if (error == ENOENT || error == ECONNREFUSED) {
        throw std::runtime_error("the gateway is not running (nobody listens on " + path.string() +
                                 ")");
    }
    if (error == EACCES || error == EPERM) {
        throw std::runtime_error("no permission to open " + path.string() +
                                 " (be root, or in the file's group)");
    }
    throw std::runtime_error(path.string() + ": " + std::generic_category().message(error));
}

} // namespace

Connection::Connection(const std::filesystem::path& socket) : socket_(connect_to(socket)) {}

Json Connection::ask(const Json& request) {
    std::string reply;
    // A refused client is told why before the gateway closes: read even when writing failed.
    const bool sent = socket_.write(render_json(request, -1) + '\n');
    if (socket_.read_line(reply, kMostReplyBytes) != LineSocket::Read::line) {
        throw std::runtime_error(sent ? "the gateway closed the connection"
                                      : "the gateway is gone");
    }
    Json parsed = Json::parse(reply, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("ok") || !parsed["ok"].is_boolean()) {
        throw std::runtime_error("the gateway's reply makes no sense: " + reply.substr(0, 80));
    }
    return parsed;
}

std::vector<Completion> Connection::complete(const std::string& line) {
    std::vector<Completion> out;
    const Json reply = ask({{"complete", line}});
    if (const auto at = reply.find("candidates"); at != reply.end() && at->is_array()) {
        for (const Json& c : *at) {
            out.push_back({c.value("text", ""), c.value("help", "")});
        }
    }
    return out;
}

std::string Connection::help(const std::string& line) {
    return ask({{"help", line}}).value("text", "");
}

} // namespace foregate::control
