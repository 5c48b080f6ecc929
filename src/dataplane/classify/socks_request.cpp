// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/socks_request.h"

#include "dataplane/packet/parse.h"

#include <algorithm>
#include <cstddef>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kHeader4 = 8;
constexpr std::size_t kMostUserBytes = 255;
constexpr std::uint8_t kMostMethods = 10;
constexpr std::uint8_t kMostAssigned = 9;   ///< authentication methods IANA has given out
constexpr std::uint8_t kFirstPrivate = 0x80;

bool is_text(std::span<const std::uint8_t> bytes) noexcept {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b >= 0x20 && b < 0x7f; });
}

/// Version, command, port, address, user, 0; for 4a then a name and another 0.
SocksResult read_version_4(std::span<const std::uint8_t> stream, SocksRequest& out) noexcept {
    if (stream.size() <= kHeader4 || stream[1] < 1 || stream[1] > 2) {
        return SocksResult::not_socks;
    }
    const auto rest = stream.subspan(kHeader4);
    const auto user_end = std::find(rest.begin(), rest.end(), std::uint8_t{0});
    const auto user_bytes = static_cast<std::size_t>(user_end - rest.begin());
    if (user_end == rest.end() || user_bytes > kMostUserBytes || !is_text(rest.first(user_bytes))) {
        return SocksResult::not_socks;
    }
    out.port = load_be16(stream.data() + 2);
    const auto behind = rest.subspan(user_bytes + 1);
    const bool named = load_be32(stream.data() + 4) != 0 && load_be32(stream.data() + 4) < 0x100;
    if (!named) {
        return behind.empty() ? SocksResult::none : SocksResult::not_socks;
    }
    const auto name_end = std::find(behind.begin(), behind.end(), std::uint8_t{0});
    const auto name = behind.first(static_cast<std::size_t>(name_end - behind.begin()));
    if (name_end == behind.end() || name.size() + 1 != behind.size() || name.empty() || !is_text(name)) {
        return SocksResult::not_socks;
    }
    assign_name(name, out.host);
    return SocksResult::found;
}

/// Version, command, 0, kind of address, address, port.
SocksResult read_request_5(std::span<const std::uint8_t> rest, SocksRequest& out) noexcept {
    if (rest.size() < 5) {
        return SocksResult::incomplete;
    }
    const std::uint8_t kind = rest[3];
    if (rest[0] != 5 || rest[1] < 1 || rest[1] > 3 || (kind != 1 && kind != 3 && kind != 4)) {
        return SocksResult::not_socks;
    }
    const std::size_t at = kind == 3 ? 5 : 4;
    const std::size_t bytes = kind == 1 ? 4 : kind == 4 ? 16 : rest[4];
    if (rest.size() < at + bytes + 2) {
        return SocksResult::incomplete;
    }
    out.port = load_be16(rest.data() + at + bytes);
    if (kind != 3 || bytes == 0) {
        return SocksResult::none;
    }
    assign_name(rest.subspan(at, bytes), out.host);
    return SocksResult::found;
}

SocksResult read_version_5(std::span<const std::uint8_t> stream, SocksRequest& out) noexcept {
    if (stream.size() < 3 || stream[1] == 0 || stream[1] > kMostMethods || stream.size() < std::size_t{2} + stream[1]) {
        return SocksResult::not_socks;
    }
    const auto methods = stream.subspan(2, stream[1]);
    const bool known = std::all_of(methods.begin(), methods.end(), [](std::uint8_t method) {
        return method <= kMostAssigned || method >= kFirstPrivate;
    });
    if (!known) {
        return SocksResult::not_socks;
    }
    auto rest = stream.subspan(2U + stream[1]);
    if (rest.size() > 1 && rest[0] == 1) { // user name and password
        const std::size_t user = rest[1];
        if (rest.size() < user + 3) {
            return SocksResult::incomplete;
        }
        const std::size_t whole = user + 3 + rest[user + 2];
        if (rest.size() < whole) {
            return SocksResult::incomplete;
        }
        rest = rest.subspan(whole);
    }
    return rest.empty() ? SocksResult::incomplete : read_request_5(rest, out);
}

} // namespace

SocksResult parse_socks_request(std::span<const std::uint8_t> stream, SocksRequest& out) noexcept {
    out.host.clear();
    out.port = 0;
    if (stream.empty()) {
        return SocksResult::incomplete;
    }
    return stream[0] == 4   ? read_version_4(stream, out)
           : stream[0] == 5 ? read_version_5(stream, out)
                            : SocksResult::not_socks;
}

} // namespace foregate::dataplane
