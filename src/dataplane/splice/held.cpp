// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/splice/held.h"

#include <array>
#include <cstddef>

namespace foregate::dataplane {

namespace {

template <typename Enum, std::size_t N>
std::string_view name_of(Enum v, const std::array<std::string_view, N>& names) noexcept {
    const auto i = static_cast<std::size_t>(v);
    return i < N ? names[i] : std::string_view("unknown");
}

} // namespace

std::string_view to_string(HeldState v) noexcept {
    static constexpr std::array<std::string_view, 7> kNames{
        "dialing", "held", "splicing", "spliced", "closing", "resumed", "moving"};
    return name_of(v, kNames);
}

std::string_view to_string(HeldPurpose v) noexcept {
    static constexpr std::array<std::string_view, 3> kNames{"predicted", "monitor", "ordered"};
    return name_of(v, kNames);
}

std::string_view to_string(HeldEvent v) noexcept {
    static constexpr std::array<std::string_view, 10> kNames{
        "established", "failed",        "closed",       "probe",    "splice_begun",
        "spliced",     "splice_undone", "splice_ended", "fallback", "replayed"};
    return name_of(v, kNames);
}

std::string_view to_string(HeldFailure v) noexcept {
    static constexpr std::array<std::string_view, 8> kNames{
        "none", "refused", "timeout", "icmp", "no_port", "pool_full", "impossible", "ordered"};
    return name_of(v, kNames);
}

std::string_view to_string(HeldClose v) noexcept {
    static constexpr std::array<std::string_view, 14> kNames{
        "none",    "server_fin", "server_rst",      "desktop_rst",     "finished",
        "expired", "ordered",    "deferred_accept", "banner_too_long", "keepalive_lost",
        "icmp",    "idle",       "desktop_silent",  "port_taken"};
    return name_of(v, kNames);
}

std::string_view to_string(SpliceFallback v) noexcept {
    static constexpr std::array<std::string_view, static_cast<std::size_t>(SpliceFallback::count_)>
        kNames{"none",       "too_old",      "mss_small",      "window_scale",      "no_timestamps",
               "no_sack",    "window_small", "authentication", "malformed_options", "bad_flags",
               "port_taken", "queue_full"};
    return name_of(v, kNames);
}

} // namespace foregate::dataplane
