// SPDX-License-Identifier: BSD-3-Clause
// labprobe beat-client: the persons' end of the display streams of any number of desktops. Says at
// the end, per desktop and in all, what was sent, received and lost, and the longest time without
// anything; writes a timeline (CSV) from which the same follows for any interval:
//   peer,kind,number,sent_ns,received_ns      kind: udp (echo), input (client to desktop), frame
//   (desktop to client)
// received_ns 0 is a loss. Both times are the machine's monotonic clock.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <stdexcept>
#include <vector>

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
    {"peers", "[NAME=]ADDR,...", std::nullopt, "the desktops"},
    {"port", "N", "4172", "TCP and UDP port"},
    {"interval-ms", "MS", "40", "between messages"},
    {"grace-ms", "MS", "1500", "a datagram without echo for so long is lost"},
    {"timeline", "PATH", "", "CSV of every message"},
};

struct Track {
    std::uint64_t sent = 0, received = 0, lost = 0;
    std::int64_t last_received_ns = 0;
    std::int64_t longest_gap_ns = 0;

    void arrived(std::int64_t now_ns) {
        received += 1;
        if (last_received_ns != 0) {
            longest_gap_ns = std::max(longest_gap_ns, now_ns - last_received_ns);
        }
        last_received_ns = now_ns;
    }
};

class Peer {
public:
    Peer(std::string name, const std::string& address, std::uint16_t port, std::ostream& timeline);

    void beat(std::int64_t now_ns);
    void receive();
    void expire(std::int64_t sent_before_ns);
    /// Writes off what is still out and counts the silence up to `now_ns` as a gap.
    void finish(std::int64_t now_ns);
    bool settled() const { return datagrams_out_.empty() && inputs_out_.empty(); }
    void add_descriptors(std::vector<pollfd>& waiting) const;
    std::string describe() const;

    Track udp, input, frame;
    std::uint64_t breaks = 0;

private:
    void row(const char* kind, std::uint64_t number, std::int64_t sent_ns,
             std::int64_t received_ns);
    void connect_stream();
    void send_input(std::int64_t now_ns);
    void receive_echoes();
    void take_frame(const BeatFrame& head, std::int64_t now_ns);
    void stream_broke();

    std::string name_;
    Endpoint address_;
    std::ostream& timeline_;
    Descriptor stream_;
    Descriptor datagrams_;
    std::string partial_;
    std::int64_t retry_ns_ = 0;
    std::uint64_t number_ = 0;
    std::uint64_t next_frame_ = 1;
    std::map<std::uint64_t, std::int64_t> datagrams_out_; ///< number, sent at
    std::map<std::uint64_t, std::int64_t> inputs_out_;
};

Peer::Peer(std::string name, const std::string& address, std::uint16_t port, std::ostream& timeline)
    : name_(std::move(name)), timeline_(timeline) {
    const bool v6 = address.find(':') != std::string::npos;
    address_ = resolve((v6 ? "[" + address + "]" : address) + ":" + std::to_string(port), 0);
    datagrams_ =
        Descriptor(socket(address_.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (connect(datagrams_.get(), address_.get(), address_.length) != 0) {
        throw std::runtime_error(name_ + ": " + std::strerror(errno));
    }
    connect_stream();
    if (!stream_) {
        throw std::runtime_error(name_ + ": no display stream at " + address);
    }
}

void Peer::row(const char* kind, std::uint64_t number, std::int64_t sent_ns,
               std::int64_t received_ns) {
    timeline_ << name_ << ',' << kind << ',' << number << ',' << sent_ns << ',' << received_ns
              << '\n';
}

void Peer::connect_stream() {
    ConnectResult connected = connect_tcp(address_, {200, "", ""});
    if (connected.error == 0) {
        stream_ = std::move(connected.socket);
        set_nonblocking(stream_.get(), true);
        partial_.clear();
        next_frame_ = 1;
    }
    retry_ns_ = monotonic_ns() + kNsPerSecond;
}

void Peer::stream_broke() {
    stream_.reset();
    breaks += 1;
    for (const auto& [number, sent_ns] : inputs_out_) {
        input.lost += 1;
        row("input", number, sent_ns, 0);
    }
    inputs_out_.clear();
}

void Peer::beat(std::int64_t now_ns) {
    ++number_;
    char datagram[kInputBytes] = {};
    const BeatInput head{number_, now_ns};
    std::memcpy(datagram, &head, sizeof head);
    datagrams_out_[number_] = now_ns;
    udp.sent += 1;
    // A refusal (ICMP of an earlier one) is a loss like any other: the number stays without its
    // echo.
    send(datagrams_.get(), datagram, sizeof datagram, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (!stream_ && now_ns >= retry_ns_) {
        connect_stream();
    }
    if (stream_) {
        send_input(now_ns);
    }
}

void Peer::send_input(std::int64_t now_ns) {
    char message[kInputBytes] = {};
    const BeatInput head{number_, now_ns};
    std::memcpy(message, &head, sizeof head);
    const ssize_t done = send(stream_.get(), message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL);
    input.sent += 1;
    inputs_out_[number_] = now_ns;
    if (done !=
        static_cast<ssize_t>(sizeof message)) { // the socket's buffer holds thousands: it is dead
        stream_broke();
    }
}

void Peer::receive_echoes() {
    BeatInput echo;
    char datagram[2048];
    for (;;) {
        const ssize_t got = recv(datagrams_.get(), datagram, sizeof datagram, MSG_DONTWAIT);
        if (got < 0) {
            if (errno == ECONNREFUSED) {
                continue;
            }
            return;
        }
        if (got < static_cast<ssize_t>(sizeof echo)) {
            continue;
        }
        std::memcpy(&echo, datagram, sizeof echo);
        if (datagrams_out_.erase(echo.number) == 1) {
            const std::int64_t now = monotonic_ns();
            udp.arrived(now);
            row("udp", echo.number, echo.sent_ns, now);
        }
    }
}

void Peer::take_frame(const BeatFrame& head, std::int64_t now_ns) {
    for (; next_frame_ < head.number; ++next_frame_) {
        frame.sent += 1;
        frame.lost += 1;
        row("frame", next_frame_, head.sent_ns, 0);
    }
    next_frame_ = head.number + 1;
    frame.sent += 1;
    frame.arrived(now_ns);
    row("frame", head.number, head.sent_ns, now_ns);
    while (!inputs_out_.empty() && inputs_out_.begin()->first <= head.last_input) {
        input.arrived(head.last_input_received_ns);
        row("input", inputs_out_.begin()->first, inputs_out_.begin()->second,
            head.last_input_received_ns);
        inputs_out_.erase(inputs_out_.begin());
    }
}

void Peer::receive() {
    receive_echoes();
    if (!stream_) {
        return;
    }
    char block[16384];
    for (;;) {
        const ssize_t got = recv(stream_.get(), block, sizeof block, MSG_DONTWAIT);
        if (got > 0) {
            partial_.append(block, static_cast<std::size_t>(got));
            continue;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            stream_broke();
            return;
        }
        break;
    }
    const std::int64_t now = monotonic_ns();
    std::size_t used = 0;
    for (; partial_.size() - used >= kFrameBytes; used += kFrameBytes) {
        BeatFrame head;
        std::memcpy(&head, partial_.data() + used, sizeof head);
        take_frame(head, now);
    }
    partial_.erase(0, used);
}

void Peer::expire(std::int64_t sent_before_ns) {
    while (!datagrams_out_.empty() && datagrams_out_.begin()->second < sent_before_ns) {
        udp.lost += 1;
        row("udp", datagrams_out_.begin()->first, datagrams_out_.begin()->second, 0);
        datagrams_out_.erase(datagrams_out_.begin());
    }
}

void Peer::finish(std::int64_t now_ns) {
    expire(now_ns + 1);
    for (const auto& [number, sent_ns] : inputs_out_) {
        input.lost += 1;
        row("input", number, sent_ns, 0);
    }
    inputs_out_.clear();
    frame.longest_gap_ns = std::max(frame.longest_gap_ns, now_ns - frame.last_received_ns);
}

void Peer::add_descriptors(std::vector<pollfd>& waiting) const {
    waiting.push_back({datagrams_.get(), POLLIN, 0});
    if (stream_) {
        waiting.push_back({stream_.get(), POLLIN, 0});
    }
}

std::string to_json(const Track& track) {
    return JsonLine()
        .add("sent", track.sent)
        .add("received", track.received)
        .add("lost", track.lost)
        .add("longest_gap_ms", static_cast<double>(track.longest_gap_ns) / 1e6)
        .str();
}

std::string Peer::describe() const {
    return JsonLine()
        .add_raw("udp", to_json(udp))
        .add_raw("input", to_json(input))
        .add_raw("frame", to_json(frame))
        .add("breaks", breaks)
        .str();
}

class BeatClient {
public:
    BeatClient(const Options& options, std::ostream& timeline);
    void run(int signal_fd);
    std::string describe() const;

private:
    void wait(int signal_fd, std::int64_t until_ns) const;
    void receive_all();
    void settle(int signal_fd);

    std::int64_t interval_ns_;
    std::int64_t grace_ns_;
    std::ostream& timeline_;
    std::vector<std::string> names_;
    std::vector<Peer> peers_;
};

BeatClient::BeatClient(const Options& options, std::ostream& timeline)
    : interval_ns_(static_cast<std::int64_t>(options.number("interval-ms") * 1e6)),
      grace_ns_(static_cast<std::int64_t>(options.number("grace-ms") * 1e6)), timeline_(timeline) {
    const std::uint16_t port = static_cast<std::uint16_t>(options.count("port"));
    for (const std::string& item : options.list("peers")) {
        const std::size_t equals = item.find('=');
        const std::string address = equals == std::string::npos ? item : item.substr(equals + 1);
        names_.push_back(equals == std::string::npos ? item : item.substr(0, equals));
        peers_.emplace_back(names_.back(), address, port, timeline);
    }
    timeline_ << "peer,kind,number,sent_ns,received_ns\n";
}

void BeatClient::wait(int signal_fd, std::int64_t until_ns) const {
    std::vector<pollfd> waiting{{signal_fd, POLLIN, 0}};
    for (const Peer& peer : peers_) {
        peer.add_descriptors(waiting);
    }
    const timespec patience = to_timespec(std::max<std::int64_t>(until_ns - monotonic_ns(), 0));
    ppoll(waiting.data(), waiting.size(), &patience, nullptr);
}

void BeatClient::receive_all() {
    for (Peer& peer : peers_) {
        peer.receive();
    }
}

void BeatClient::run(int signal_fd) {
    std::int64_t next_ns = monotonic_ns();
    for (std::uint64_t beats = 0; next_signal(signal_fd) == 0;) {
        wait(signal_fd, next_ns);
        receive_all();
        const std::int64_t now = monotonic_ns();
        if (now < next_ns) {
            continue;
        }
        for (Peer& peer : peers_) {
            peer.beat(now);
            peer.expire(now - grace_ns_);
        }
        next_ns = std::max(next_ns + interval_ns_, now);
        if (++beats % 8 == 0) {
            timeline_.flush();
        }
    }
    settle(signal_fd);
}

/// Sends no more and gives what is out its time to come back.
void BeatClient::settle(int signal_fd) {
    const std::int64_t end_ns = monotonic_ns() + grace_ns_;
    while (monotonic_ns() < end_ns &&
           !std::all_of(peers_.begin(), peers_.end(),
                        [](const Peer& peer) { return peer.settled(); })) {
        wait(signal_fd, std::min(end_ns, monotonic_ns() + interval_ns_));
        receive_all();
    }
    for (Peer& peer : peers_) {
        peer.finish(monotonic_ns());
    }
    timeline_.flush();
}

std::string BeatClient::describe() const {
    JsonLine each;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t lost = 0;
    std::uint64_t stream_lost = 0;
    std::uint64_t breaks = 0;
    std::int64_t gap_ns = 0;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
        const Peer& peer = peers_[i];
        each.add_raw(names_[i], peer.describe());
        sent += peer.udp.sent;
        received += peer.udp.received;
        lost += peer.udp.lost;
        stream_lost += peer.input.lost + peer.frame.lost;
        breaks += peer.breaks;
        gap_ns = std::max({gap_ns, peer.udp.longest_gap_ns, peer.frame.longest_gap_ns});
    }
    return JsonLine()
        .add("sent", sent)
        .add("received", received)
        .add("lost", lost)
        .add("stream_lost", stream_lost)
        .add("stream_breaks", breaks)
        .add("longest_gap_ms", static_cast<double>(gap_ns) / 1e6)
        .add_raw("peers", each.str())
        .str();
}

} // namespace

int run_beat_client(std::span<char*> arguments) {
    const Options options("beat-client", kOptions, arguments);
    if (options.help_shown()) {
        return 0;
    }
    const Descriptor signals = signal_descriptor();
    std::ofstream timeline;
    if (!options.text("timeline").empty()) {
        timeline.open(options.text("timeline"), std::ios::trunc);
        if (!timeline) {
            throw std::runtime_error(options.text("timeline") + ": cannot be written");
        }
    } else {
        timeline.setstate(std::ios::badbit); // nowhere: the rows are dropped
    }
    BeatClient client(options, timeline);
    std::fprintf(stderr, "labprobe beat-client: ready\n");
    client.run(signals.get());
    write_line("-", client.describe());
    return 0;
}

} // namespace foregate::lab
