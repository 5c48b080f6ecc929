// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench_threat.h"

#include "bench/apart.h"
#include "bench/machine.h"
#include "bench/threat_lists.h"
#include "dataplane/patterns/pattern_cache.h"
#include "dataplane/threat/address_table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>
#include <unordered_set>

#include <time.h>
#include <unistd.h>

namespace foregate::bench {

using namespace dataplane;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::uint32_t kAsked = 1U << 15; ///< hosts asked for in a run: more than the caches keep of what they touch
constexpr std::uint32_t kMostPlain = 100'000; ///< a million would be compiled in one piece for minutes

struct Length {
    std::uint32_t names;
    const char* called;
};
constexpr Length kLengths[]{{1'000, "1k"}, {10'000, "10k"}, {100'000, "100k"}, {1'000'000, "1M"}};

/// Of this thread: what the machine gives to others meanwhile is not in it.
double cpu_seconds_of(const std::function<void()>& work) {
    const auto now = [] {
        timespec time{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
    };
    const double begun = now();
    work();
    return now() - begun;
}

double seconds_of(const std::function<void()>& work) {
    const auto begun = Clock::now();
    work();
    return std::chrono::duration<double>(Clock::now() - begun).count();
}

/// ns a host; `ask` gives how many of all were found.
template <typename Ask>
BenchResult per_host(const std::string& name, std::size_t hosts, std::size_t expected, Ask&& ask) {
    return measure(name, "ns/name", kRuns, [&] {
        std::size_t found = 0;
        const double took = cpu_seconds_of([&] { found = ask(); });
        if (expected != 0 ? found != hosts : found > hosts / 50) {
            throw std::runtime_error(name + ": " + std::to_string(found) + " of " + std::to_string(hosts) + " were found");
        }
        return took * 1e9 / static_cast<double>(hosts);
    });
}

/// One kind of hosts against one list: ours singly and in bursts, and the plain ways.
class NameRows {
public:
    NameRows(const Length& length, const std::vector<std::string>& names, const NameMatcher& matcher)
        : called_(length.called), matcher_(matcher), scratch_(matcher), set_(names),
          plain_(names.size() <= kMostPlain ? std::make_unique<PlainHyperscan>(names) : nullptr) {}

    void add(std::vector<BenchResult>& to, const std::string& kind, const std::vector<std::string_view>& hosts, bool listed) {
        const std::size_t expected = listed ? hosts.size() : 0;
        const auto row = [&](const std::string& what) { return "name_" + kind + "_" + what + called_ + "_ns"; };
        const auto count = [&](auto&& holds) {
            return [&hosts, holds] { return static_cast<std::size_t>(std::count_if(hosts.begin(), hosts.end(), holds)); };
        };
        auto set = per_host(row("suffix_set_"), hosts.size(), expected, count([this](const auto& h) { return set_.holds(h); }));
        auto single = per_host(row(""), hosts.size(), expected, count([this](const auto& h) {
            return matcher_.match(h, scratch_) != NameMatcher::kNone;
        }));
        auto burst = per_host(row("burst_"), hosts.size(), expected, [&] { return in_bursts(hosts); });
        single.yardstick = burst.yardstick = Yardstick{"hash of suffixes", set.median};
        to.insert(to.end(), {single, burst});
        if (plain_ != nullptr) {
            auto plain = per_host(row("plain_hyperscan_"), hosts.size(), expected,
                                  count([this](const auto& h) { return plain_->holds(h); }));
            plain.yardstick = Yardstick{"hash of suffixes", set.median};
            to.push_back(plain);
        }
        if (scratch_.failed_scans() != 0) {
            throw std::runtime_error("a scan failed");
        }
    }

private:
    std::size_t in_bursts(const std::vector<std::string_view>& hosts) {
        std::array<std::string_view, NameMatcher::kMaxBurst> burst;
        std::array<std::uint32_t, NameMatcher::kMaxBurst> values;
        std::size_t found = 0;
        for (std::size_t i = 0; i < hosts.size(); i += burst.size()) {
            std::copy_n(hosts.begin() + static_cast<std::ptrdiff_t>(i), burst.size(), burst.begin());
            matcher_.match_burst(burst, values, scratch_);
            found += burst.size() - static_cast<std::size_t>(std::count(values.begin(), values.end(), NameMatcher::kNone));
        }
        return found;
    }

    std::string called_;
    const NameMatcher& matcher_;
    NameScratch scratch_;
    SuffixSet set_;
    std::unique_ptr<PlainHyperscan> plain_;
};

/// As the control plane does it, on as many threads as there are cores.
NameBuild on_all_cores(const NameMatcher* previous) {
    NameBuild build;
    build.previous = previous;
    build.for_each = [](std::size_t count, const std::function<void(std::size_t)>& work) {
        std::atomic<std::size_t> next{0};
        const auto take = [&] {
            for (std::size_t i = next++; i < count; i = next++) {
                work(i);
            }
        };
        std::vector<std::thread> others;
        for (unsigned i = 1; i < cpu_count(); ++i) {
            others.emplace_back(take);
        }
        take();
        for (std::thread& other : others) {
            other.join();
        }
    };
    return build;
}

class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "threat-bench-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::filesystem::path path;
};

/// The longest and the 99.9th percentile of the gaps that a loop asking in bursts sees, in microseconds.
struct Pauses {
    double p999_us = 0;
    double longest_us = 0;
};

Pauses pauses_of(std::atomic<const NameMatcher*>& current, const std::vector<std::string_view>& hosts,
                 const std::function<void()>& meanwhile) {
    std::atomic<bool> end{false};
    std::vector<double> gaps;
    gaps.reserve(1U << 24);
    std::thread loop([&] {
        const NameMatcher* matcher = nullptr;
        std::unique_ptr<NameScratch> scratch;
        std::array<std::string_view, 8> burst;
        std::array<std::uint32_t, 8> values;
        std::size_t at = 0;
        auto last = Clock::now();
        while (!end.load(std::memory_order_relaxed) && gaps.size() < gaps.capacity()) {
            if (const NameMatcher* now = current.load(std::memory_order_acquire); now != matcher) {
                matcher = now; // a worker finds its scratch made; here it is made outside of the measured gap
                scratch = std::make_unique<NameScratch>(*matcher);
                last = Clock::now();
            }
            for (auto& host : burst) {
                host = hosts[at++ % hosts.size()];
            }
            matcher->match_burst(burst, values, *scratch);
            const auto now = Clock::now();
            gaps.push_back(std::chrono::duration<double, std::micro>(now - last).count());
            last = now;
        }
    });
    meanwhile();
    end = true;
    loop.join();
    std::sort(gaps.begin(), gaps.end());
    return {gaps[gaps.size() * 999 / 1000], gaps.back()};
}

std::vector<BenchResult> names_of(const Length& length) {
    const std::vector<std::string> names = listed_names(length.names, 1);
    const Hosts beside(hosts_beside(kAsked));
    const Hosts below(hosts_below(names, kAsked));
    std::vector<BenchResult> results;
    const auto add = [&](const std::string& name, const char* unit, double value) {
        results.push_back(summarise(name + "_" + length.called + (unit[0] == 's' ? "_s" : "_mb"), unit, {value}));
    };
    NameMatcher matcher;
    add("names_build", "s", seconds_of([&] { matcher = matcher_of(names, on_all_cores(nullptr)); }));
    add("names_memory", "MB", static_cast<double>(matcher.memory_bytes()) / 1e6);
    NameRows rows(length, names, matcher);
    rows.add(results, "miss", beside.all(), false);
    rows.add(results, "hit", below.all(), true);

    const Folder folder;
    PatternCache cache(folder.path, NameMatcher::kMostStored);
    add("names_store", "s", seconds_of([&] { matcher.store(cache); }));
    add("names_from_store", "s", seconds_of([&] {
        const NameMatcher stored = NameMatcher::stored(cache);
        if (matcher_of(names, on_all_cores(&stored)).compiled_parts() != 0) {
            throw std::runtime_error("a stored list was compiled again");
        }
    }));
    // One name in a hundred goes, as many come.
    std::vector<std::string> changed(names.begin() + length.names / 100, names.end());
    const auto more = listed_names(length.names / 100, 2);
    changed.insert(changed.end(), more.begin(), more.end());
    NameMatcher next;
    add("names_change_1_percent", "s", seconds_of([&] { next = matcher_of(changed, on_all_cores(&matcher)); }));

    std::atomic<const NameMatcher*> current{&matcher};
    const auto idle = pauses_of(current, beside.all(), [] { std::this_thread::sleep_for(std::chrono::seconds(2)); });
    const auto busy = pauses_of(current, beside.all(), [&] {
        const NameMatcher third = matcher_of(names, on_all_cores(&next));
        current.store(&next, std::memory_order_release);
        const NameMatcher fourth = matcher_of(changed, on_all_cores(&third));
        current.store(&matcher, std::memory_order_release);
    });
    const auto pause = [&](const std::string& what, double of_busy, double of_idle) {
        results.push_back(summarise("loop_" + what + "_while_" + length.called + "_is_changed_us", "us", {of_busy}));
        results.back().yardstick = Yardstick{"nothing changed", of_idle};
    };
    pause("p999", busy.p999_us, idle.p999_us);
    pause("longest", busy.longest_us, idle.longest_us);
    return results;
}

std::vector<BenchResult> addresses_of(const Length& length) {
    std::mt19937 random(3);
    std::uniform_int_distribution<std::uint32_t> any;
    std::vector<AddressTableEntry> entries;
    std::unordered_set<std::uint32_t> plain;
    while (plain.size() < length.names) {
        const std::uint32_t address = any(random);
        if (plain.insert(address).second) {
            entries.push_back({IpPrefix{IpAddress::from_v4(address), 32}, static_cast<std::uint32_t>(entries.size())});
        }
    }
    const AddressTable table(entries);
    std::vector<IpAddress> asked;
    for (std::uint32_t i = 0; i < kAsked; ++i) { // half of them listed
        asked.push_back(i % 2 == 0 ? entries[random() % entries.size()].prefix.address : IpAddress::from_v4(any(random)));
    }
    const auto row = [&](const std::string& name, auto&& holds) {
        return measure(name, "ns/address", kRuns, [&] {
            std::size_t found = 0;
            const double took = cpu_seconds_of([&] { found = static_cast<std::size_t>(std::count_if(asked.begin(), asked.end(), holds)); });
            if (found < kAsked / 2) {
                throw std::runtime_error(name + ": listed addresses were missed");
            }
            return took * 1e9 / kAsked;
        });
    };
    auto set = row("set", [&](const IpAddress& a) { return plain.contains(a.v4()); });
    auto ours = row("address_" + std::string(length.called) + "_ns",
                    [&](const IpAddress& a) { return table.lookup(a) != AddressTable::kNone; });
    ours.yardstick = Yardstick{"std::unordered_set", set.median};
    return {ours};
}

} // namespace

std::vector<BenchResult> bench_threat() {
    std::vector<BenchResult> all;
    for (const Length& length : kLengths) {
        std::cerr << "names " << length.called << '\n';
        const auto names = run_apart([&] { return names_of(length); });
        all.insert(all.end(), names.begin(), names.end());
        if (length.names >= 100'000) {
            std::cerr << "addresses " << length.called << '\n';
            const auto addresses = run_apart([&] { return addresses_of(length); });
            all.insert(all.end(), addresses.begin(), addresses.end());
        }
    }
    return all;
}

} // namespace foregate::bench
