// SPDX-License-Identifier: BSD-3-Clause
// Stable stand-ins for desktop names and addresses in events: the same desktop is always the same
// stand-in on this installation, another one elsewhere, and nobody without the key file finds the
// way back. Any thread.
#pragma once

#include "control/telemetry/siphash.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace foregate::control {

/// Reads the 16-byte key, or makes it (mode 0600) from the kernel's random numbers when there is
/// none. Throws std::runtime_error naming the file when it has another size, is open to others, or
/// cannot be made.
[[nodiscard]] SipKey load_or_create_key(const std::filesystem::path& file);

class Pseudonyms {
public:
    explicit Pseudonyms(const SipKey& key) : key_(key) {}

    /// "d-" and 16 hex digits.
    [[nodiscard]] std::string of_name(std::string_view name) const;
    /// An address of the unique local range (RFC 4193), fd66:6f72:6567::/64: readers that want an
    /// address get one.
    [[nodiscard]] std::string of_address(std::string_view address) const;

private:
    SipKey key_;
};

} // namespace foregate::control
