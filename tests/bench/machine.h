// SPDX-License-Identifier: BSD-3-Clause
// Where and how a figure was measured, and whether this build may measure at all.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace foregate::bench {

/// Why this build must not be measured (not optimised, sanitizers), or empty.
[[nodiscard]] std::string unfit_build();

/// {"cpu","cores","kernel","compiler","flags","hugepages","hardware_counters"}; hugepages: free
/// ones of the default size at the start; hardware_counters: which there are, or why none.
[[nodiscard]] nlohmann::ordered_json machine();

[[nodiscard]] unsigned cpu_count();
/// The CPU that everything measured is pinned to: the second one, or the first where there is only one.
[[nodiscard]] unsigned bench_cpu();
/// Binds the calling thread to it; without effect where that is not allowed.
void pin_to_bench_cpu() noexcept;
[[nodiscard]] std::uint64_t available_memory_mb();
/// Whether `mb` of free hugepages are at hand.
[[nodiscard]] bool hugepages_for(unsigned mb);

} // namespace foregate::bench
