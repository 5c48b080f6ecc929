// SPDX-License-Identifier: BSD-3-Clause
// Application types: the broad kinds of use that traffic is counted, forecast and shaped by.
// Pure and constant; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace foregate::dataplane {

// X(enum value, name as printed, stored and written in configs)
#define FOREGATE_APP_TYPES(X)                                                                      \
    X(web, "web")                                                                                  \
    X(video, "video")                                                                              \
    X(conferencing, "conferencing")                                                                \
    X(voice, "voice")                                                                              \
    X(mail, "mail")                                                                                \
    X(file_sharing, "file-sharing")                                                                \
    X(database, "database")                                                                        \
    X(remote_desktop, "remote-desktop")                                                            \
    X(directory, "directory")                                                                      \
    X(name_service, "name-service")                                                                \
    X(software_update, "software-update")                                                          \
    X(backup, "backup")                                                                            \
    X(printing, "printing")                                                                        \
    X(messaging, "messaging")                                                                      \
    X(developer_tools, "developer-tools")                                                          \
    X(vpn, "vpn")                                                                                  \
    X(peer_to_peer, "peer-to-peer")                                                                \
    X(gaming, "gaming")                                                                            \
    X(management, "management")                                                                    \
    X(other, "other")

enum class AppType : std::uint8_t {
#define FOREGATE_APP_TYPE_VALUE(value, text) value,
    FOREGATE_APP_TYPES(FOREGATE_APP_TYPE_VALUE)
#undef FOREGATE_APP_TYPE_VALUE
};

#define FOREGATE_APP_TYPE_COUNT(value, text) +1
inline constexpr std::size_t kAppTypeCount = 0 FOREGATE_APP_TYPES(FOREGATE_APP_TYPE_COUNT);
#undef FOREGATE_APP_TYPE_COUNT

/// The application type a server port stands for, as far as a port can tell; `other` when it says
/// nothing. `ip_proto` is 6 (TCP) or 17 (UDP); protocols without ports are judged by themselves
/// (ESP, AH, GRE: vpn). Port in host order.
[[nodiscard]] AppType app_type_of_port(std::uint8_t ip_proto, std::uint16_t server_port) noexcept;

/// "file-sharing" for AppType::file_sharing; "other" for a value out of range.
[[nodiscard]] std::string_view app_type_name(AppType type) noexcept;

/// The reverse of app_type_name(); nullopt for any other text.
[[nodiscard]] std::optional<AppType> app_type_from_name(std::string_view name) noexcept;

} // namespace foregate::dataplane
