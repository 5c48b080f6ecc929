// SPDX-License-Identifier: BSD-3-Clause
// delayline: a layer-2 wire between two interfaces of its network namespace that takes its time.
// Every frame that comes in at --near leaves at --far ("up") and the other way round ("down"), each
// direction with its own delay, loss, reordering and rate behind a drop-tail queue. Orders while
// running: the control socket (see wire_settings.h), e.g. "set rate=100M down.loss=0.01", "get",
// "reset". SIGUSR1 writes the statistics, SIGTERM writes them and ends.
#include <array>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <vector>

#include <sched.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <csignal>

#include "clock.h"
#include "control_socket.h"
#include "frame_socket.h"
#include "json_line.h"
#include "options.h"
#include "wire_direction.h"
#include "wire_settings.h"

namespace foregate::lab {
namespace {

/// While frames keep coming the sockets are read this often at most, as long as every frame still
/// leaves on time.
constexpr std::int64_t kReadIntervalNs = 1 * kNsPerMs;
/// Two hand-overs are at least this far apart: a lone frame leaves on time, a stream in small
/// batches.
constexpr std::int64_t kSendIntervalNs = 100'000;

class DelayLine {
public:
    explicit DelayLine(const Options& options);
    ~DelayLine();
    DelayLine(const DelayLine&) = delete;
    DelayLine& operator=(const DelayLine&) = delete;
    void run();

private:
    struct Side {
        FrameSocket& in;
        FrameSocket& out;
        WireDirection& wire;
    };

    void add_to_epoll(int fd, std::uint32_t events);
    void listen_to_frames(bool on);
    bool read_frames(Side side, std::int64_t now_ns);
    void send_due(Side side, std::int64_t now_ns);
    std::int64_t read_interval_ns() const;
    void arm_timer(std::int64_t now_ns);
    void handle_signal();
    std::string answer(const std::string& order);
    std::string describe();

    FramePool pool_;
    FrameSocket near_;
    FrameSocket far_;
    WireDirection up_;
    WireDirection down_;
    std::string statistics_path_;
    int epoll_fd_;
    int timer_fd_;
    int signal_fd_;
    std::optional<ControlSocket> control_;
    std::int64_t armed_ns_ = 0;
    std::int64_t last_send_ns_ = 0;
    std::int64_t next_read_ns_ =
        0; ///< 0: the sockets wake us; otherwise they are read at this time
    bool ending_ = false;
    std::vector<OutgoingFrame> due_;
};

WireParameters parameters_from(const Options& options, const std::string& direction) {
    WireParameters up;
    WireParameters down;
    for (const char* key :
         {"delay-ms", "loss", "reorder", "reorder-extra-ms", "rate", "queue-bytes", "queue-ms"}) {
        apply_setting(std::string(key) + "=" + options.text(key), up, down);
    }
    for (const std::string& setting : options.list("set")) {
        apply_setting(setting, up, down);
    }
    return direction == "up" ? up : down;
}

int signals_as_descriptor() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGUSR1}) {
        sigaddset(&set, number);
    }
    sigprocmask(SIG_BLOCK, &set, nullptr);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

DelayLine::DelayLine(const Options& options)
    : pool_(static_cast<std::uint32_t>(options.count("slots"))), near_(options.text("near"), pool_),
      far_(options.text("far"), pool_), up_(parameters_from(options, "up"), options.count("seed")),
      down_(parameters_from(options, "down"), options.count("seed") + 1),
      statistics_path_(options.text("stats")), epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      timer_fd_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
      signal_fd_(signals_as_descriptor()) {
    add_to_epoll(timer_fd_, EPOLLIN);
    add_to_epoll(signal_fd_, EPOLLIN);
    add_to_epoll(near_.fd(), EPOLLIN);
    add_to_epoll(far_.fd(), EPOLLIN);
    if (!options.text("control").empty()) {
        control_.emplace(options.text("control"), epoll_fd_);
    }
    if (options.flag("fifo")) {
        sched_param priority{};
        priority.sched_priority = 10;
        if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0) {
            std::fprintf(stderr, "delayline: no real-time priority: %s\n", std::strerror(errno));
        }
    }
}

DelayLine::~DelayLine() {
    control_.reset();
    close(epoll_fd_);
    close(timer_fd_);
    close(signal_fd_);
}

void DelayLine::add_to_epoll(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
}

void DelayLine::listen_to_frames(bool on) {
    for (const int fd : {near_.fd(), far_.fd()}) {
        epoll_event event{};
        event.events = on ? static_cast<std::uint32_t>(EPOLLIN) : 0U;
        event.data.fd = fd;
        epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event);
    }
}

bool DelayLine::read_frames(Side side, std::int64_t now_ns) {
    std::array<ReceivedFrame, FrameSocket::kBatch> frames;
    const std::int64_t offset = now_ns - read_clock_ns(CLOCK_REALTIME);
    bool any = false;
    for (;;) {
        const std::size_t count = side.in.receive(frames, offset);
        for (std::size_t i = 0; i < count; ++i) {
            const ReceivedFrame& frame = frames[i];
            const bool stamped =
                frame.arrival_ns > now_ns - kNsPerSecond && frame.arrival_ns <= now_ns;
            const bool fits = frame.bytes <= FramePool::kSlotBytes;
            side.wire.statistics.too_long += fits ? 0 : 1;
            if (!fits ||
                !side.wire.offer(frame.slot, frame.bytes, stamped ? frame.arrival_ns : now_ns)) {
                pool_.give_back(frame.slot);
            }
        }
        any = any || count > 0;
        if (count < FrameSocket::kBatch) {
            return any || pool_.empty(); // no slot: wait for the timer, frames stay in the socket
        }
    }
}

void DelayLine::send_due(Side side, std::int64_t now_ns) {
    due_.clear();
    while (const std::optional<WireFrame> frame = side.wire.take_due(now_ns)) {
        due_.push_back({frame->slot, frame->bytes});
    }
    if (due_.empty()) {
        return;
    }
    last_send_ns_ = now_ns;
    side.wire.statistics.send_failed += side.out.send(due_.data(), due_.size());
    for (const OutgoingFrame& frame : due_) {
        pool_.give_back(frame.slot);
    }
}

/// The stamps make late reading harmless up to the delay; half of it is kept in hand.
std::int64_t DelayLine::read_interval_ns() const {
    const std::uint64_t delay = std::min(up_.parameters().delay_ns, down_.parameters().delay_ns);
    return std::min(kReadIntervalNs, static_cast<std::int64_t>(delay / 2));
}

void DelayLine::arm_timer(std::int64_t now_ns) {
    std::int64_t next = next_read_ns_;
    for (const WireDirection* wire : {&up_, &down_}) {
        if (const std::optional<std::int64_t> due = wire->next_due_ns()) {
            const std::int64_t send = std::max(*due, last_send_ns_ + kSendIntervalNs);
            next = next == 0 ? send : std::min(next, send);
        }
    }
    if (next == armed_ns_ && next > now_ns) {
        return;
    }
    itimerspec when{};
    when.it_value = to_timespec(next == 0 ? 0 : std::max(next, std::int64_t{1}));
    timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &when, nullptr);
    armed_ns_ = next;
}

void DelayLine::run() {
    const Side up{near_, far_, up_};
    const Side down{far_, near_, down_};
    std::array<epoll_event, 16> events;
    while (!ending_) {
        const int count = epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), -1);
        bool frames_waiting = false;
        for (int i = 0; i < count; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd == near_.fd() || fd == far_.fd()) {
                frames_waiting = true;
            } else if (fd == timer_fd_) {
                std::uint64_t expirations = 0;
                [[maybe_unused]] const ssize_t got =
                    read(timer_fd_, &expirations, sizeof expirations);
                armed_ns_ = 0;
            } else if (fd == signal_fd_) {
                handle_signal();
            } else if (control_ && fd == control_->fd()) {
                control_->accept_client();
            } else if (control_) {
                control_->serve_client(fd,
                                       [this](const std::string& order) { return answer(order); });
            }
        }
        const std::int64_t now = monotonic_ns();
        if (frames_waiting || (next_read_ns_ != 0 && now >= next_read_ns_)) {
            const bool any_up = read_frames(up, now);
            const bool any = read_frames(down, now) || any_up;
            const bool by_timer = any && read_interval_ns() > 0;
            if (by_timer != (next_read_ns_ != 0)) {
                listen_to_frames(!by_timer);
            }
            next_read_ns_ = by_timer ? now + read_interval_ns() : 0;
        }
        if (now >= last_send_ns_ + kSendIntervalNs) {
            send_due(up, now);
            send_due(down, now);
        }
        arm_timer(now);
    }
}

void DelayLine::handle_signal() {
    signalfd_siginfo info{};
    while (read(signal_fd_, &info, sizeof info) == sizeof info) {
        ending_ = ending_ || info.ssi_signo != SIGUSR1;
        if (!statistics_path_.empty()) {
            write_line(statistics_path_, describe());
        }
    }
}

std::string DelayLine::describe() {
    up_.statistics.socket_dropped += near_.take_kernel_drops();
    down_.statistics.socket_dropped += far_.take_kernel_drops();
    const auto both = [](const std::string& up, const std::string& down) {
        return JsonLine().add_raw("up", up).add_raw("down", down).str();
    };
    return JsonLine()
        .add("time_ns", monotonic_ns())
        .add_raw("parameters", both(to_json(up_.parameters()), to_json(down_.parameters())))
        .add_raw("statistics", both(to_json(up_.statistics, up_.queued_bytes()),
                                    to_json(down_.statistics, down_.queued_bytes())))
        .str();
}

std::string DelayLine::answer(const std::string& order) {
    const std::vector<std::string> words = split(order, ' ');
    try {
        if (words.empty()) {
            throw std::invalid_argument("expected: get, reset or set KEY=VALUE...");
        }
        if (words[0] == "set") {
            WireParameters up = up_.parameters();
            WireParameters down = down_.parameters();
            for (std::size_t i = 1; i < words.size(); ++i) {
                apply_setting(words[i], up, down);
            }
            const std::int64_t now = monotonic_ns();
            up_.set_parameters(up, now);
            down_.set_parameters(down, now);
        } else if (words[0] == "reset") {
            describe(); // takes the sockets' drop counts along
            up_.statistics = {};
            down_.statistics = {};
        } else if (words[0] != "get") {
            throw std::invalid_argument("unknown order '" + words[0] + "'");
        }
        return describe();
    } catch (const std::exception& error) {
        return JsonLine().add("error", error.what()).str();
    }
}

const std::vector<OptionSpec> kOptions = {
    {"near", "IFACE", std::nullopt, "interface at the gateway's side"},
    {"far", "IFACE", std::nullopt, "interface at the servers' side"},
    {"delay-ms", "MS", "20", "delay of each direction"},
    {"loss", "P", "0", "probability of loss, each direction"},
    {"reorder", "P", "0", "probability that a frame is held back"},
    {"reorder-extra-ms", "MS", "5", "how long it is held back"},
    {"rate", "BPS", "0", "rate of each direction, 0 = no limit (k, M, G)"},
    {"queue-bytes", "N", "0", "drop-tail limit of the queue, 0 = by --queue-ms"},
    {"queue-ms", "MS", "100", "the same, as time at the rate"},
    {"set", "K=V,...", "", "settings of one direction, e.g. up.rate=10M,down.loss=0.01"},
    {"seed", "N", "1", "seed of loss and reordering"},
    {"slots", "N", "65536", "frames that can be held at once"},
    {"control", "PATH", "", "unix socket for orders"},
    {"stats", "PATH", "", "file for the statistics (SIGUSR1, exit)"},
    {"fifo", "", std::nullopt, "run with real-time priority"},
};

} // namespace
} // namespace foregate::lab

int main(int argc, char** argv) {
    using namespace foregate::lab;
    try {
        const Options options("delayline", kOptions, {argv + 1, argv + argc});
        if (options.help_shown()) {
            return 0;
        }
        DelayLine line(options);
        std::fprintf(stderr, "delayline: ready\n");
        line.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "delayline: %s\n", error.what());
        return 1;
    }
    return 0;
}
