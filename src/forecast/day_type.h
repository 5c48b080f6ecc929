// SPDX-License-Identifier: BSD-3-Clause
// Which days of the week are unlike the others, read from the series itself.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace foregate::forecast {

// 0 for ordinary days and 1 for one weekday, or two weekdays in a row, that differ clearly from the
// rest: one entry per value and for `horizon` steps more. Days begin at the quietest time of the
// mean day. Empty if no weekday stands out, or fewer than two weeks are known. No gaps in values.
std::vector<std::uint8_t> infer_day_types(std::span<const double> values, int season, int horizon);

} // namespace foregate::forecast
