// SPDX-License-Identifier: BSD-3-Clause
#include "bench/hardware_counters.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <linux/perf_event.h>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace foregate::bench {

namespace {

constexpr std::uint64_t cache_event(std::uint64_t cache) {
    return cache | PERF_COUNT_HW_CACHE_OP_READ << 8 | PERF_COUNT_HW_CACHE_RESULT_MISS << 16;
}

constexpr std::array<HardwareEvent, 3> kWanted{{
    {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {"llc_misses", PERF_TYPE_HW_CACHE, cache_event(PERF_COUNT_HW_CACHE_LL)},
    {"dtlb_misses", PERF_TYPE_HW_CACHE, cache_event(PERF_COUNT_HW_CACHE_DTLB)},
}};

int open_event(const HardwareEvent& event) {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = event.type;
    attributes.config = event.config;
    attributes.disabled = 1;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    return static_cast<int>(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

} // namespace

HardwareCounters::HardwareCounters() {
    for (const HardwareEvent& event : kWanted) {
        if (const int fd = open_event(event); fd >= 0) {
            events_.push_back(event);
            ::close(fd);
        }
    }
}

HardwareCounters::~HardwareCounters() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

void HardwareCounters::start(const HardwareEvent& event) {
    fd_ = open_event(event);
    if (fd_ < 0) {
        throw std::runtime_error(std::string(event.name) + " cannot be counted: " + std::strerror(errno));
    }
    ::ioctl(fd_, PERF_EVENT_IOC_RESET, 0);
    ::ioctl(fd_, PERF_EVENT_IOC_ENABLE, 0);
}

void HardwareCounters::pause() const noexcept { ::ioctl(fd_, PERF_EVENT_IOC_DISABLE, 0); }
void HardwareCounters::go_on() const noexcept { ::ioctl(fd_, PERF_EVENT_IOC_ENABLE, 0); }

std::uint64_t HardwareCounters::stop() {
    pause();
    std::uint64_t count = 0;
    const bool whole = ::read(fd_, &count, sizeof count) == static_cast<ssize_t>(sizeof count);
    ::close(fd_);
    fd_ = -1;
    if (!whole) {
        throw std::runtime_error("a hardware counter cannot be read");
    }
    return count;
}

std::string HardwareCounters::available() {
    std::string names;
    std::string why;
    for (const HardwareEvent& event : kWanted) {
        if (const int fd = open_event(event); fd >= 0) {
            names += (names.empty() ? "" : ", ") + std::string(event.name);
            ::close(fd);
        } else {
            why = std::strerror(errno);
        }
    }
    return !names.empty() ? names : "none (" + why + ")";
}

} // namespace foregate::bench
