// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/http_response.h"

#include "dataplane/classify/header_text.h"

namespace foregate::dataplane {

namespace {

constexpr std::string_view kVersion = "HTTP/1.";
constexpr std::size_t kStatusAt = 9; // behind "HTTP/1.1 "
constexpr std::uint16_t kSwitchingProtocols = 101;

bool parse_status_line(std::string_view line, HttpResponse& out) noexcept {
    if (!line.starts_with(kVersion) || line.size() < kStatusAt + 3 || line[kStatusAt - 1] != ' ') {
        return false;
    }
    unsigned status = 0;
    for (const char c : line.substr(kStatusAt, 3)) {
        if (c < '0' || c > '9') {
            return false;
        }
        status = status * 10 + static_cast<unsigned>(c - '0');
    }
    out.status = static_cast<std::uint16_t>(status);
    return line.size() == kStatusAt + 3 || line[kStatusAt + 3] == ' ';
}

} // namespace

bool parse_http_response(std::span<const std::uint8_t> stream, HttpResponse& out) noexcept {
    out = HttpResponse{};
    std::string_view rest(reinterpret_cast<const char*>(stream.data()), stream.size());
    std::string_view line;
    if (!rest.starts_with(kVersion) || !take_line(rest, line) || !parse_status_line(line, out)) {
        out.status = 0;
        return false;
    }
    while (take_line(rest, line)) {
        if (line.empty()) {
            out.whole = true;
            break;
        }
        const HeaderField field = header_field(line);
        if (out.server.empty() && equal_folded(field.name, "server")) {
            out.server = field.value;
        } else if (out.content_type.empty() && equal_folded(field.name, "content-type")) {
            out.content_type = field.value;
        } else if (out.status == kSwitchingProtocols && equal_folded(field.name, "upgrade")) {
            out.websocket = equal_folded(field.value, "websocket");
        }
    }
    return true;
}

} // namespace foregate::dataplane
