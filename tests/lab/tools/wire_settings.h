// SPDX-License-Identifier: BSD-3-Clause
// The words of the delay line: "rate=100M", "down.loss=0.01" and the like change the parameters of
// one direction or of both; statistics and parameters as JSON.
#pragma once

#include <string>

#include "wire_direction.h"

namespace foregate::lab {

/// Applies one "[up.|down.]KEY=VALUE". Keys: delay-ms, loss, reorder, reorder-extra-ms, rate,
/// queue-bytes, queue-ms, cut. Throws std::invalid_argument; the parameters are unchanged then.
void apply_setting(const std::string& setting, WireParameters& up, WireParameters& down);

std::string to_json(const WireParameters& parameters);
std::string to_json(const WireStatistics& statistics, std::uint64_t queued_bytes);

} // namespace foregate::lab
