// SPDX-License-Identifier: BSD-3-Clause
#include "bench/machine.h"

#include "bench/hardware_counters.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sched.h>
#include <sstream>
#include <sys/utsname.h>
#include <thread>

namespace foregate::bench {

namespace {

/// The number of a line "key:   number ..." of /proc/meminfo; 0 when there is none.
std::uint64_t memory_line(const std::string& key) {
    std::ifstream file("/proc/meminfo");
    for (std::string line; std::getline(file, line);) {
        if (line.rfind(key + ":", 0) == 0) {
            return std::stoull(line.substr(key.size() + 1));
        }
    }
    return 0;
}

std::string cpu_model() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("model name", 0) == 0) {
            return line.substr(line.find(": ") + 2);
        }
    }
    return "unknown";
}

/// What the compiler was really told to use: a later -march wins over an earlier one.
std::string instruction_set() {
#if defined(__AVX512F__)
    return "AVX-512";
#elif defined(__AVX2__)
    return "AVX2";
#elif defined(__AVX__)
    return "AVX";
#elif defined(__SSE4_2__)
    return "SSE4.2";
#else
    return "baseline";
#endif
}

} // namespace

std::string unfit_build() {
#if !defined(__OPTIMIZE__)
    return "this build is not optimised; use a build directory with buildtype=release";
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return "this build has sanitizers; use a build directory with b_sanitize=none";
#else
    return FOREGATE_SANITIZE == std::string("none") ? ""
                                                    : "this build has sanitizers; use one with b_sanitize=none";
#endif
}

nlohmann::ordered_json machine() {
    utsname system{};
    ::uname(&system);
    return {{"cpu", cpu_model()},
            {"cores", std::thread::hardware_concurrency()},
            {"kernel", system.release},
            {"compiler", "g++ " __VERSION__},
            {"flags", std::string(FOREGATE_FLAGS) + " (in effect: " + instruction_set() + ")"},
            {"hugepages", memory_line("HugePages_Free")},
            {"hardware_counters", HardwareCounters::available()}};
}

unsigned cpu_count() { return std::max(std::thread::hardware_concurrency(), 1U); }

unsigned bench_cpu() { return cpu_count() > 1 ? 1 : 0; }

void pin_to_bench_cpu() noexcept {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(bench_cpu(), &cpus);
    (void)::sched_setaffinity(0, sizeof cpus, &cpus);
}

std::uint64_t available_memory_mb() { return memory_line("MemAvailable") / 1024; }

bool hugepages_for(unsigned mb) {
    return memory_line("HugePages_Free") * memory_line("Hugepagesize") / 1024 >= mb;
}

} // namespace foregate::bench
