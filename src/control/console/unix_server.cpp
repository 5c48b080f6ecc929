// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/unix_server.h"

#include "control/console/line_socket.h"
#include "control/console/render.h"
#include "control/console/unix_address.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace foregate::control {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
    throw std::runtime_error("console socket " + path.string() + ": " + what);
}

[[noreturn]] void fail_errno(const std::filesystem::path& path, const char* call) {
    fail(path, std::string(call) + ": " + std::generic_category().message(errno));
}

/// Removes a socket file of a process that is gone.
void clear_stale(const std::filesystem::path& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        if (errno != ENOENT) {
            fail_errno(path, "lstat");
        }
        return;
    }
    if (!S_ISSOCK(status.st_mode)) {
        fail(path, "exists and is not a socket");
    }
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        fail_errno(path, "socket");
    }
    const int rc = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    ::close(probe);
    if (rc == 0 || error == EAGAIN) { // EAGAIN: somebody listens, with a full backlog
        fail(path, "another process listens here; is a foregate already running?");
    }
    if (error != ECONNREFUSED && error != ENOENT) {
        errno = error;
        fail_errno(path, "connect");
    }
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        fail_errno(path, "unlink of the stale file");
    }
}

Json answer(const CommandRunner& runner, const Json& request) {
    const auto text_of = [&](const char* key) -> const std::string* {
        const auto at = request.find(key);
        return at != request.end() && at->is_string() ? &at->get_ref<const std::string&>()
                                                      : nullptr;
    };
    if (const std::string* line = text_of("command")) {
        const auto json = request.find("json");
        const bool as_json = json != request.end() && json->is_boolean() && json->get<bool>();
        CommandReply reply = runner.run(*line, ConsoleAccess::full, as_json);
        if (!reply.ok) {
            return {{"ok", false}, {"error", std::move(reply.error)}};
        }
        return {{"ok", true}, {"text", std::move(reply.text)}, {"value", std::move(reply.value)}};
    }
    if (const std::string* line = text_of("complete")) {
        Json candidates = Json::array();
        for (const Completion& c : runner.complete(*line)) {
            candidates.push_back({{"text", c.text}, {"help", c.help}});
        }
        return {{"ok", true}, {"candidates", std::move(candidates)}};
    }
    if (const std::string* line = text_of("help")) {
        return {{"ok", true}, {"text", runner.help(*line)}};
    }
    return {{"ok", false},
            {"error", "expected an object with \"command\", \"complete\" or \"help\""}};
}

} // namespace

std::string answer_request(const CommandRunner& runner, std::string_view request) {
    const Json parsed = Json::parse(request, nullptr, false);
    if (parsed.is_discarded() || !parsed.is_object()) {
        return R"({"ok":false,"error":"the request is not a JSON object"})";
    }
    return render_json(answer(runner, parsed), -1);
}

UnixServer::UnixServer(std::filesystem::path path, const CommandRunner& runner)
    : path_(std::move(path)), runner_(runner) {
    try {
        open();
        acceptor_ = std::thread([this] { accept_loop(); });
    } catch (...) {
        close_all();
        throw;
    }
}

UnixServer::~UnixServer() {
    stop();
}

void UnixServer::open() {
    const sockaddr_un address = unix_address(path_);
    std::error_code error;
    std::filesystem::create_directories(path_.parent_path(), error); // bind says what is wrong
    clear_stale(path_, address);
    wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    listen_fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (wake_fd_ < 0 || listen_fd_ < 0) {
        fail_errno(path_, "socket");
    }
    // Linux makes the file with the socket's own mode, less the umask: never open wider than this,
    // not for a moment.
    ::fchmod(listen_fd_, 0660);
    if (::bind(listen_fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fail_errno(path_, "bind");
    }
    struct stat status {};
    if (::chmod(path_.c_str(), 0660) != 0 || ::lstat(path_.c_str(), &status) != 0) {
        fail_errno(path_, "chmod");
    }
    device_ = status.st_dev;
    inode_ = status.st_ino;
    if (::listen(listen_fd_, 16) != 0) {
        fail_errno(path_, "listen");
    }
}

void UnixServer::accept_loop() {
    while (true) {
        pollfd polled[2] = {{listen_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
        ::poll(polled, 2, -1);
        if (polled[1].revents != 0) {
            return;
        }
        const int fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
        reap(false);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE) {
                ::poll(&polled[1], 1,
                       100); // the descriptor shortage is somebody else's; do not spin
            }
            continue;
        }
        if (clients_.size() >= kMostClients) {
            LineSocket(fd, wake_fd_)
                .write("{\"ok\":false,\"error\":\"too many console clients\"}\n");
            continue;
        }
        serve(fd);
    }
}

void UnixServer::serve(int fd) {
    auto client = std::make_unique<Client>();
    Client& c = *client;
    clients_.push_back(std::move(client));
    c.thread = std::thread([this, fd, &c] {
        LineSocket socket(fd, wake_fd_);
        std::string request;
        LineSocket::Read read = LineSocket::Read::line;
        while ((read = socket.read_line(request, kMaxLineBytes)) == LineSocket::Read::line) {
            if (!socket.write(answer_request(runner_, request) + '\n')) {
                break;
            }
        }
        if (read == LineSocket::Read::too_long) {
            socket.write("{\"ok\":false,\"error\":\"request longer than " +
                         std::to_string(kMaxLineBytes) + " bytes\"}\n");
        }
        c.done = true;
    });
}

void UnixServer::reap(bool all) {
    std::erase_if(clients_, [all](const std::unique_ptr<Client>& client) {
        if (!all && !client->done) {
            return false;
        }
        client->thread.join();
        return true;
    });
}

void UnixServer::stop() {
    if (!acceptor_.joinable()) {
        return;
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_fd_, &one, sizeof one);
    acceptor_.join();
    reap(true);
    close_all();
}

void UnixServer::close_all() {
    struct stat status {};
    if (inode_ != 0 && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
        status.st_ino == inode_) {
        ::unlink(path_.c_str());
    }
    inode_ = 0;
    for (int* fd : {&listen_fd_, &wake_fd_}) {
        if (*fd >= 0) {
            ::close(*fd);
            *fd = -1;
        }
    }
}

} // namespace foregate::control
