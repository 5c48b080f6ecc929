// SPDX-License-Identifier: BSD-3-Clause
// The small texts of a catalogue file: ports, sizes, length facts, host patterns. Pure; the problem is in Parsed.
#pragma once

#include "control/config/quantity.h"
#include "dataplane/classify/catalogue_spec.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foregate::control {

/// "tcp/22", "udp/5004-5005", "53" (both), "ip/47", "ether/0x0806".
[[nodiscard]] Parsed<std::vector<dataplane::PortSpan>> parse_ports(std::string_view text);
/// "48", "20-100", "20-".
[[nodiscard]] Parsed<std::pair<std::uint16_t, std::uint16_t>> parse_byte_range(std::string_view text);
/// "u16@2 + 4": payload length = 16-bit big-endian number at offset 2, plus 4; "le32@0", ">= u8@1", "<= u24@0 + 4".
[[nodiscard]] Parsed<dataplane::LengthFact> parse_length_fact(std::string_view text);
/// "example.com", "*.cdn.example.com", "media*.example.com"; lower case.
[[nodiscard]] Parsed<std::string> parse_host_pattern(std::string_view text);
[[nodiscard]] Parsed<dataplane::PayloadParser> parse_payload_parser(std::string_view text);

} // namespace foregate::control
