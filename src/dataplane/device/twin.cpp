// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/device/twin.h"

#include "dataplane/device/shape_tag.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <pthread.h>
#include <rte_ring.h>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace foregate::dataplane {

namespace {

[[noreturn]] void fail(const std::string& name, const char* what) {
    throw std::runtime_error("kernel twin " + name + ": " + what + ": " + std::strerror(errno));
}

/// A socket to ask the kernel about interfaces.
struct ControlSocket {
    int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ~ControlSocket() { ::close(fd); }
};

ifreq named(const std::string& name) {
    ifreq request{};
    std::memcpy(request.ifr_name, name.c_str(), std::min(name.size(), sizeof request.ifr_name - 1));
    return request;
}

constexpr std::size_t kFrameLimit = 16384; // the longest MTU that the config takes, and more

} // namespace

Twin::Twin(const std::string& name, const MacAddress& mac, std::uint16_t mtu) : name_(name) {
    fd_ = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd_ < 0) {
        fail(name, "/dev/net/tun");
    }
    ifreq request = named(name);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (::ioctl(fd_, TUNSETIFF, &request) != 0) {
        const int error = errno;
        ::close(fd_);
        errno = error;
        fail(name, "cannot be created (is another foregate running?)");
    }
    const ControlSocket control;
    request = named(name);
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    std::memcpy(request.ifr_hwaddr.sa_data, mac.data(), mac.size());
    bool ok = ::ioctl(control.fd, SIOCSIFHWADDR, &request) == 0;
    request = named(name);
    request.ifr_mtu = mtu;
    ok = ok && ::ioctl(control.fd, SIOCSIFMTU, &request) == 0;
    request = named(name);
    ok = ok && ::ioctl(control.fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags |= IFF_UP;
    ok = ok && ::ioctl(control.fd, SIOCSIFFLAGS, &request) == 0;
    if (!ok) {
        const int error = errno;
        ::close(fd_);
        errno = error;
        fail(name, "cannot be set up");
    }
    index_ = ::if_nametoindex(name.c_str());
}

Twin::~Twin() { ::close(fd_); }

TwinThread::TwinThread(std::vector<Lane> lanes, unsigned cpu)
    : lanes_(std::move(lanes)), cpu_(cpu), thread_([this] { run(); }) {}

TwinThread::~TwinThread() {
    stop_.store(true);
    thread_.join();
}

bool TwinThread::to_kernel(const Lane& lane) noexcept {
    void* packets[32];
    const unsigned count = rte_ring_sc_dequeue_burst(lane.to_kernel, packets, 32, nullptr);
    for (unsigned i = 0; i < count; ++i) {
        auto* packet = static_cast<rte_mbuf*>(packets[i]);
        const ssize_t written =
            ::write(lane.twin->fd(), rte_pktmbuf_mtod(packet, const void*), rte_pktmbuf_data_len(packet));
        if (written < 0) {
            counters_.drop(DropReason::kernel_queue_full);
        } else {
            counters_.add(Counter::to_kernel);
        }
        rte_pktmbuf_free(packet);
    }
    return count != 0;
}

bool TwinThread::from_kernel(const Lane& lane) noexcept {
    bool any = false;
    for (int i = 0; i < 32; ++i) {
        std::uint8_t frame[kFrameLimit];
        const ssize_t length = ::read(lane.twin->fd(), frame, sizeof frame);
        if (length <= 0) {
            break;
        }
        any = true;
        rte_mbuf* packet = rte_pktmbuf_alloc(lane.pool);
        if (packet == nullptr) {
            counters_.drop(DropReason::no_buffer);
            continue;
        }
        void* data = rte_pktmbuf_append(packet, static_cast<std::uint16_t>(length));
        if (data == nullptr) {
            counters_.drop(DropReason::no_buffer);
            rte_pktmbuf_free(packet);
            continue;
        }
        std::memcpy(data, frame, static_cast<std::size_t>(length));
        shape_tag(packet) = ShapeTag{0, TrafficClass::control, 0, 0};
        if (rte_ring_mp_enqueue(lane.from_kernel, packet) != 0) {
            counters_.drop(DropReason::shaper_ring_full);
            rte_pktmbuf_free(packet);
            continue;
        }
        counters_.add(Counter::received);
    }
    return any;
}

void TwinThread::run() noexcept {
    pthread_setname_np(pthread_self(), "fg-twins");
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(cpu_, &cpus);
    pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
    std::vector<pollfd> fds;
    for (const Lane& lane : lanes_) {
        fds.push_back({lane.twin->fd(), POLLIN, 0});
    }
    // The rings have no file descriptor (a worker makes no system call), so they are looked at this often.
    constexpr timespec kRingInterval{0, 300'000};
    while (!stop_.load(std::memory_order_relaxed)) {
        bool any = false;
        for (const Lane& lane : lanes_) {
            any = to_kernel(lane) || any;
            any = from_kernel(lane) || any;
        }
        if (!any) {
            ::ppoll(fds.data(), fds.size(), &kRingInterval, nullptr);
        }
    }
}

} // namespace foregate::dataplane
