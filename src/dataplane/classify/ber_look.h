// SPDX-License-Identifier: BSD-3-Clause
// Whether bytes look like messages of protocols in ASN.1's basic encoding: LDAP (RFC 4511), Kerberos (RFC 4120), SNMP
// (RFC 1157, 3416, 3412). Pure: bytes in, answer out; three levels of nesting at most.
#pragma once

#include <cstdint>
#include <span>

namespace foregate::dataplane {

/// A TCP stream's or datagram's beginning: one LDAP message, perhaps with more behind it or cut off in its operation.
[[nodiscard]] bool is_ldap(std::span<const std::uint8_t> payload) noexcept;
/// One Kerberos message; with `tcp` behind its length of four bytes.
[[nodiscard]] bool is_kerberos(std::span<const std::uint8_t> payload, bool tcp) noexcept;
/// One datagram.
[[nodiscard]] bool is_snmp(std::span<const std::uint8_t> payload) noexcept;

} // namespace foregate::dataplane
