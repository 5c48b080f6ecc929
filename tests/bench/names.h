// SPDX-License-Identifier: BSD-3-Clause
// Payloads with names in them, as browsers and stub resolvers send them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace foregate::bench {

/// A name that no list of these benchmarks has; another for each number.
[[nodiscard]] std::string name_of(std::uint32_t number);
/// A record of 517 bytes: TLS 1.3 with GREASE, fifteen cipher suites and the usual extensions, the server name among them.
[[nodiscard]] std::vector<std::uint8_t> client_hello(const std::string& host);
/// A question for an A record.
[[nodiscard]] std::vector<std::uint8_t> dns_question(std::uint16_t id, const std::string& name);

} // namespace foregate::bench
