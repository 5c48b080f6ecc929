// SPDX-License-Identifier: BSD-3-Clause
// labprobe beat-server: the desktop's end of the display stream.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <list>
#include <vector>

#include <netinet/tcp.h>
#include <poll.h>

#include "beat_messages.h"
#include "clock.h"
#include "json_line.h"
#include "options.h"
#include "probe_commands.h"
#include "sockets.h"

namespace foregate::lab {
namespace {

const std::vector<OptionSpec> kOptions = {
    {"address", "ADDR", "", "local address, default all"},
    {"port", "N", "4172", "TCP and UDP port"},
    {"interval-ms", "MS", "40", "between frames"},
};

struct Viewer {
    Descriptor socket;
    std::string partial;
    std::string unsent;
    std::uint64_t frames = 0;
    BeatInput last{};
    std::int64_t last_received_ns = 0;
    bool open = true;
};

struct ServerTotals {
    std::uint64_t viewers = 0, frames = 0, inputs = 0, echoes = 0;
};

void take_inputs(Viewer& viewer, ServerTotals& totals) {
    char block[4096];
    for (;;) {
        const ssize_t got = recv(viewer.socket.get(), block, sizeof block, MSG_DONTWAIT);
        if (got <= 0) {
            viewer.open = viewer.open && got < 0 && (errno == EAGAIN || errno == EINTR);
            break;
        }
        viewer.partial.append(block, static_cast<std::size_t>(got));
    }
    std::size_t used = 0;
    for (; viewer.partial.size() - used >= kInputBytes; used += kInputBytes) {
        std::memcpy(&viewer.last, viewer.partial.data() + used, sizeof viewer.last);
        viewer.last_received_ns = monotonic_ns();
        totals.inputs += 1;
    }
    viewer.partial.erase(0, used);
}

void send_frame(Viewer& viewer, std::int64_t now_ns, ServerTotals& totals) {
    std::string frame(kFrameBytes, 'f');
    const BeatFrame head{++viewer.frames, now_ns, viewer.last.number, viewer.last_received_ns};
    std::memcpy(frame.data(), &head, sizeof head);
    viewer.unsent += frame;
    totals.frames += 1;
    const ssize_t done = send(viewer.socket.get(), viewer.unsent.data(), viewer.unsent.size(),
                              MSG_DONTWAIT | MSG_NOSIGNAL);
    if (done > 0) {
        viewer.unsent.erase(0, static_cast<std::size_t>(done));
    } else if (errno != EAGAIN && errno != EINTR) {
        viewer.open = false;
    }
}

void echo_datagrams(int fd, ServerTotals& totals) {
    char datagram[2048];
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    ssize_t got = 0;
    while ((got = recvfrom(fd, datagram, sizeof datagram, MSG_DONTWAIT,
                           reinterpret_cast<sockaddr*>(&from), &length)) >= 0) {
        sendto(fd, datagram, static_cast<std::size_t>(got), MSG_DONTWAIT,
               reinterpret_cast<const sockaddr*>(&from), length);
        totals.echoes += 1;
        length = sizeof from;
    }
}

void accept_viewer(int listener, std::list<Viewer>& viewers, ServerTotals& totals) {
    Descriptor client(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
        const int on = 1;
        setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        viewers.emplace_back();
        viewers.back().socket = std::move(client);
        totals.viewers += 1;
    }
}

} // namespace

int run_beat_server(std::span<char*> arguments) {
    const Options options("beat-server", kOptions, arguments);
    if (options.help_shown()) {
        return 0;
    }
    const std::uint16_t port = static_cast<std::uint16_t>(options.count("port"));
    const std::int64_t interval_ns = static_cast<std::int64_t>(options.number("interval-ms") * 1e6);
    const Descriptor signals = signal_descriptor();
    const Descriptor listener = listen_tcp(port, options.text("address"));
    const Descriptor datagrams = bind_udp(port, options.text("address"));
    std::list<Viewer> viewers;
    ServerTotals totals;
    std::int64_t next_ns = monotonic_ns();
    std::fprintf(stderr, "labprobe beat-server: ready\n");
    while (next_signal(signals.get()) == 0) {
        std::vector<pollfd> waiting{
            {signals.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}, {datagrams.get(), POLLIN, 0}};
        for (const Viewer& viewer : viewers) {
            waiting.push_back({viewer.socket.get(), POLLIN, 0});
        }
        const timespec patience = to_timespec(std::max<std::int64_t>(next_ns - monotonic_ns(), 0));
        ppoll(waiting.data(), waiting.size(), viewers.empty() ? nullptr : &patience, nullptr);
        echo_datagrams(datagrams.get(), totals);
        const std::int64_t now = monotonic_ns();
        const bool beat = now >= next_ns;
        for (Viewer& viewer : viewers) {
            take_inputs(viewer, totals);
            if (beat) {
                send_frame(viewer, now, totals);
            }
        }
        viewers.remove_if([](const Viewer& viewer) { return !viewer.open; });
        if ((waiting[1].revents & POLLIN) != 0) {
            accept_viewer(listener.get(), viewers, totals);
        }
        next_ns = beat ? std::max(next_ns + interval_ns, now) : next_ns;
    }
    write_line("-", JsonLine()
                        .add("viewers", totals.viewers)
                        .add("frames", totals.frames)
                        .add("inputs", totals.inputs)
                        .add("echoes", totals.echoes)
                        .str());
    return 0;
}

} // namespace foregate::lab
