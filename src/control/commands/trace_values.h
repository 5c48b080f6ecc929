// SPDX-License-Identifier: BSD-3-Clause
// JSON about packets that were followed stage by stage: `trace` and `flow explain`. Plain data; any thread.
#pragma once

#include "control/commands/values.h"
#include "dataplane/rehearsed.h"

#include <span>
#include <string>
#include <vector>

namespace foregate::control {

/// One row for each packet and stage: packet, worker, what is written of the packet, stage, fate, outcome in words,
/// counters that moved. `ports`: names by number.
[[nodiscard]] Json trace_rows(std::span<const dataplane::TracedPacket> packets, const Naming& naming,
                              std::span<const std::string> ports);

/// The same rows for made-up packets, with what each is in place of the worker, and how it left.
[[nodiscard]] Json rehearsed_rows(const dataplane::RehearsalResult& result, const Naming& naming,
                                  std::span<const std::string> ports);

/// What a new connection would meet: {verdict, reason, help, at}. The last packet that was played decides.
[[nodiscard]] Json rehearsed_verdict(const dataplane::RehearsalResult& result);

/// "tcp 10.10.1.1:40000 > 10.20.0.80:443 SYN".
[[nodiscard]] std::string packet_text(const dataplane::TracedPacket& packet);

} // namespace foregate::control
