// SPDX-License-Identifier: BSD-3-Clause
// The processor's own counters of the calling thread, by perf_event_open(2), where the machine shows them to us.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace foregate::bench {

struct HardwareEvent {
    const char* name;
    std::uint32_t type;
    std::uint64_t config;
};

/// One event at a time, in user space only, so that none has to share a counter.
class HardwareCounters {
public:
    /// Which of instructions, LLC and dTLB misses this machine counts; empty where there are none.
    HardwareCounters();
    ~HardwareCounters();
    HardwareCounters(const HardwareCounters&) = delete;
    HardwareCounters& operator=(const HardwareCounters&) = delete;

    [[nodiscard]] const std::vector<HardwareEvent>& events() const noexcept { return events_; }
    /// Counts from zero; throws std::runtime_error when the event has gone.
    void start(const HardwareEvent& event);
    void pause() const noexcept;
    void go_on() const noexcept;
    [[nodiscard]] std::uint64_t stop();

    /// For the report: "instructions, LLC misses" or why there are none.
    [[nodiscard]] static std::string available();

private:
    int fd_ = -1;
    std::vector<HardwareEvent> events_;
};

} // namespace foregate::bench
