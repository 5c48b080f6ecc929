// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/telnet_server.h"

#include "control/console/telnet_input.h"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace foregate::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostWaitingBytes =
    64 * 1024; ///< per client and direction; then its sender waits

struct LoopbackAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

LoopbackAddress loopback_address(const std::string& text, std::uint16_t port) {
    LoopbackAddress out;
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1 &&
        ntohl(v4.sin_addr.s_addr) >> 24 == 127) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&out.storage, &v4, sizeof v4);
        out.size = sizeof v4;
    } else if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1 &&
               IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        std::memcpy(&out.storage, &v6, sizeof v6);
        out.size = sizeof v6;
    } else {
        throw std::runtime_error("telnet console: '" + text +
                                 "' is not a loopback address (127.0.0.0/8 or ::1)");
    }
    return out;
}

/// What one read or write did.
enum class Moved { some, none, ended };

Moved read_some(int fd, std::string& bytes) {
    char buffer[8192];
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) {
        bytes.assign(buffer, static_cast<std::size_t>(n));
        return Moved::some;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? Moved::none : Moved::ended;
}

Moved write_some(int fd, std::string& bytes) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
        bytes.erase(0, static_cast<std::size_t>(n));
        return Moved::some;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? Moved::none : Moved::ended;
}

} // namespace

/// One client: its socket, and our end of the pair behind which libcli runs.
struct TelnetServer::Client {
    Client(int socket, int pair) : socket_fd(socket), pair_fd(pair) {}
    ~Client() {
        if (session.joinable()) {
            session.join(); // it has closed its end already, or is about to return
        }
        ::close(pair_fd);
        ::shutdown(socket_fd, SHUT_WR);
        std::string
            unread; // closing with bytes unread would reset the connection under the last output
        while (read_some(socket_fd, unread) == Moved::some) {
        }
        ::close(socket_fd);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Nothing more from the client, nothing more to it; the session finds its input ended and
    /// returns.
    void drop() {
        input_ended = true;
        gone = true;
        to_session.clear();
        to_client.clear();
    }

    [[nodiscard]] short socket_events() const {
        const bool in = !input_ended && to_session.size() < kMostWaitingBytes &&
                        to_client.size() < kMostWaitingBytes;
        return static_cast<short>((in ? POLLIN : 0) | (to_client.empty() ? 0 : POLLOUT));
    }
    [[nodiscard]] short pair_events() const {
        const bool in = !session_ended && to_client.size() < kMostWaitingBytes;
        return static_cast<short>((in ? POLLIN : 0) | (to_session.empty() ? 0 : POLLOUT));
    }

    void move_socket(short ready);
    void move_pair(short ready);
    /// False when all is done and the client may be destroyed.
    bool settle(Clock::time_point now, std::chrono::seconds patience);

    int socket_fd;
    int pair_fd;
    std::thread session;
    TelnetInput input;
    std::string to_session;
    std::string to_client;
    bool input_ended = false;   ///< the client sends no more
    bool pair_shut = false;     ///< and the session has been told
    bool gone = false;          ///< the client takes no more
    bool session_ended = false; ///< libcli has closed its end
    Clock::time_point last_taken =
        Clock::now(); ///< when the client last took bytes, or had none waiting
};

void TelnetServer::Client::move_socket(short ready) {
    std::string bytes;
    if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0 && !input_ended) {
        const Moved moved = read_some(socket_fd, bytes);
        if (moved == Moved::some) {
            input.feed(bytes, to_session, to_client);
        }
        input_ended = moved == Moved::ended;
    }
    if ((ready & (POLLOUT | POLLHUP | POLLERR)) != 0 && !to_client.empty()) {
        const Moved moved = write_some(socket_fd, to_client);
        if (moved == Moved::some) {
            last_taken = Clock::now();
        } else if (moved == Moved::ended) {
            drop();
        }
    }
}

void TelnetServer::Client::move_pair(short ready) {
    std::string bytes;
    if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0 && !session_ended) {
        const Moved moved = read_some(pair_fd, bytes);
        session_ended = moved == Moved::ended;
        if (moved == Moved::some && !gone) {
            to_client += bytes;
        }
    }
    if ((ready & POLLOUT) != 0 && !to_session.empty() &&
        write_some(pair_fd, to_session) == Moved::ended) {
        to_session.clear();
    }
}

bool TelnetServer::Client::settle(Clock::time_point now, std::chrono::seconds patience) {
    if (to_client.empty()) {
        last_taken = now;
    } else if (patience.count() > 0 && now - last_taken > patience) {
        drop();
    }
    if (session_ended) {
        input_ended = true;
        to_session.clear();
    }
    if (input_ended && to_session.empty() && !pair_shut) {
        // Only this direction: libcli then ends by itself and never sees a reset.
        ::shutdown(pair_fd, SHUT_WR);
        pair_shut = true;
    }
    return !(session_ended && to_client.empty());
}

TelnetServer::TelnetServer(const std::string& address, std::uint16_t port,
                           const CommandRunner& runner, TelnetSettings settings)
    : runner_(runner), settings_(std::move(settings)) {
    try {
        open(address, port);
        carrier_ = std::thread([this] { loop(); });
    } catch (...) {
        close_all();
        throw;
    }
}

TelnetServer::~TelnetServer() {
    stop();
}

void TelnetServer::open(const std::string& address, std::uint16_t port) {
    LoopbackAddress at = loopback_address(address, port);
    const auto fail = [&](const char* call) {
        throw std::runtime_error("telnet console " + address + " port " + std::to_string(port) +
                                 ": " + call + ": " + std::generic_category().message(errno));
    };
    wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    listen_fd_ = ::socket(at.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (wake_fd_ < 0 || listen_fd_ < 0) {
        fail("socket");
    }
    const int on = 1;
    ::setsockopt(listen_fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listen_fd_, reinterpret_cast<const sockaddr*>(&at.storage), at.size) != 0) {
        fail("bind");
    }
    if (::listen(listen_fd_, 16) != 0 ||
        ::getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&at.storage), &at.size) != 0) {
        fail("listen");
    }
    sockaddr_in bound{}; // the port stands at the same place in both families
    std::memcpy(&bound, &at.storage, sizeof bound);
    port_ = ntohs(bound.sin_port);
}

void TelnetServer::loop() {
    bool stopping = false;
    std::vector<pollfd> polled;
    while (!stopping || !clients_.empty()) {
        const auto entry = [](int fd, short events) {
            return pollfd{events == 0 ? -1 : fd, events, 0};
        };
        polled.assign(
            {entry(listen_fd_, stopping ? 0 : POLLIN), entry(wake_fd_, stopping ? 0 : POLLIN)});
        for (const auto& client : clients_) {
            polled.push_back(entry(client->socket_fd, client->socket_events()));
            polled.push_back(entry(client->pair_fd, client->pair_events()));
        }
        ::poll(polled.data(), polled.size(), 1000);
        std::size_t at = 2;
        for (const auto& client : clients_) {
            client->move_socket(polled[at].revents);
            client->move_pair(polled[at + 1].revents);
            at += 2;
        }
        if (polled[1].revents != 0) {
            stopping = true;
            for (const auto& client : clients_) {
                client->drop();
            }
        }
        const Clock::time_point now = Clock::now();
        std::erase_if(clients_, [&](const auto& client) {
            return !client->settle(now, settings_.idle_timeout);
        });
        if (polled[0].revents != 0 && !stopping) {
            accept_one();
        }
    }
}

void TelnetServer::accept_one() {
    const int fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE) {
            ::poll(nullptr, 0, 100); // the descriptor shortage is somebody else's; do not spin
        }
        return;
    }
    int pair[2];
    if (clients_.size() >= kMostClients ||
        ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        std::string busy = "too many console clients\r\n";
        write_some(fd, busy);
        ::close(fd);
        return;
    }
    auto client = std::make_unique<Client>(fd, pair[0]);
    try {
        client->session =
            std::thread([this, end = pair[1]] { run_telnet_session(end, runner_, settings_); });
    } catch (const std::system_error&) {
        ::close(pair[1]);
        return;
    }
    clients_.push_back(std::move(client));
}

void TelnetServer::stop() {
    if (!carrier_.joinable()) {
        return;
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_fd_, &one, sizeof one);
    carrier_.join();
    close_all();
}

void TelnetServer::close_all() {
    for (int* fd : {&listen_fd_, &wake_fd_}) {
        if (*fd >= 0) {
            ::close(*fd);
            *fd = -1;
        }
    }
}

std::string read_token_file(const std::filesystem::path& file) {
    struct stat status {};
    std::ifstream in(file);
    if (!in || ::stat(file.c_str(), &status) != 0) {
        throw std::runtime_error(file.string() + ": cannot read the console's token");
    }
    if ((status.st_mode & S_IRWXO) != 0) {
        throw std::runtime_error(file.string() +
                                 ": the token must not be open to others (chmod o-rwx)");
    }
    std::string token;
    std::getline(in, token);
    token.erase(0, token.find_first_not_of(" \t\r"));
    token.erase(token.find_last_not_of(" \t\r") + 1);
    if (token.size() < 8) {
        throw std::runtime_error(file.string() + ":1: expected a token of at least 8 characters");
    }
    for (const char c : token) {
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\'' || c == '\\' || c == '|' || c == '?') {
            throw std::runtime_error(
                file.string() +
                ":1: the token may have printable ASCII only, no blanks and none of \"'\\|?");
        }
    }
    return token;
}

} // namespace foregate::control
