// SPDX-License-Identifier: BSD-3-Clause
// A file path as a unix socket address.
#pragma once

#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

namespace foregate::control {

/// Throws std::runtime_error when the path is empty or longer than the kernel takes (107 bytes).
inline sockaddr_un unix_address(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& text = path.native();
    if (text.empty() || text.size() >= sizeof address.sun_path) {
        throw std::runtime_error("socket path '" + text + "': must have 1 to " +
                                 std::to_string(sizeof address.sun_path - 1) + " bytes");
    }
    std::memcpy(address.sun_path, text.data(), text.size());
    return address;
}

} // namespace foregate::control
