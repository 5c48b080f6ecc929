// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/http2_request.h"

#include "dataplane/classify/authority.h"
#include "dataplane/classify/hpack.h"

#include <algorithm>

namespace foregate::dataplane {

namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t kFrameHeaderBytes = 9;
constexpr std::size_t kMaxFrameBytes = 16384; // no larger one before the server allowed it
constexpr std::size_t kMaxBlockBytes = 4096;
constexpr int kMaxFrames = 32;
constexpr std::uint8_t kHeaders = 1;
constexpr std::uint8_t kContinuation = 9;
constexpr std::uint8_t kFlagEndHeaders = 0x04;
constexpr std::uint8_t kFlagPadded = 0x08;
constexpr std::uint8_t kFlagPriority = 0x20;
constexpr std::size_t kPriorityBytes = 5;

/// The first header block, put together from its frames.
struct Block {
    std::array<std::uint8_t, kMaxBlockBytes> bytes;
    std::size_t size = 0;
    bool begun = false;
    bool whole = false;
    bool wrong = false; ///< frames that no client sends

    void append(std::span<const std::uint8_t> fragment) noexcept {
        const std::size_t step = std::min(fragment.size(), bytes.size() - size);
        std::copy_n(fragment.begin(), step, bytes.begin() + static_cast<std::ptrdiff_t>(size));
        size += step;
    }
};

/// Padding and priority around the fragment in a HEADERS frame, of which `there` may be a part.
std::span<const std::uint8_t> fragment_of(std::span<const std::uint8_t> there, std::size_t length,
                                          std::uint8_t flags, bool& wrong) noexcept {
    std::size_t before = 0;
    std::size_t padding = 0;
    if ((flags & kFlagPadded) != 0) {
        if (there.empty()) {
            return {};
        }
        padding = there[0];
        before = 1;
    }
    before += (flags & kFlagPriority) != 0 ? kPriorityBytes : 0;
    wrong = before + padding > length;
    if (wrong || there.size() <= before) {
        return {};
    }
    const std::size_t size = length - before - padding;
    return there.subspan(before, std::min(size, there.size() - before));
}

void read_frames(std::span<const std::uint8_t> rest, Block& block) noexcept {
    for (int i = 0; i < kMaxFrames && rest.size() >= kFrameHeaderBytes; ++i) {
        const std::size_t length = static_cast<std::size_t>(rest[0] << 16 | rest[1] << 8 | rest[2]);
        const std::uint8_t type = rest[3];
        const std::uint8_t flags = rest[4];
        const bool follows = type == kContinuation;
        if (length > kMaxFrameBytes || follows != block.begun) {
            block.wrong = true;
            return;
        }
        rest = rest.subspan(kFrameHeaderBytes);
        const auto there = rest.first(std::min(length, rest.size()));
        if (type == kHeaders) {
            block.begun = true;
            block.append(fragment_of(there, length, flags, block.wrong));
        } else if (follows) {
            block.append(there);
        }
        if (block.wrong || there.size() < length) {
            return;
        }
        rest = rest.subspan(length);
        if (block.begun && ((flags & kFlagEndHeaders) != 0 || block.size == kMaxBlockBytes)) {
            block.whole = true;
            return;
        }
    }
    block.wrong = block.wrong || rest.size() >= kFrameHeaderBytes;
}

template <std::size_t Bytes> void assign(std::string_view from, ShortText<Bytes>& to) noexcept {
    to.length = static_cast<std::uint8_t>(std::min(from.size(), Bytes));
    std::copy_n(from.begin(), to.length, to.text.begin());
}

} // namespace

Http2Result parse_http2_request(std::span<const std::uint8_t> stream, Http2Request& out) noexcept {
    out.host.clear();
    out.port = 0;
    out.host_is_ipv6_literal = false;
    out.method.length = 0;
    out.path.length = 0;
    out.content_type.length = 0;
    out.user_agent.length = 0;
    const std::string_view text(reinterpret_cast<const char*>(stream.data()),
                                std::min(stream.size(), kPreface.size()));
    if (text != kPreface.substr(0, text.size())) {
        return Http2Result::not_http2;
    }
    Block block;
    read_frames(stream.subspan(text.size()), block);
    HpackBlock fields;
    const HpackResult read = fields.read(std::span(block.bytes).first(block.size));
    assign(fields.value(HpackName::method), out.method);
    assign(fields.value(HpackName::path), out.path);
    assign(fields.value(HpackName::content_type), out.content_type);
    assign(fields.value(HpackName::user_agent), out.user_agent);
    Authority parsed;
    parse_authority(fields.value(HpackName::authority), parsed);
    if (!parsed.host.empty()) {
        out.host = parsed.host;
        out.port = parsed.port;
        out.host_is_ipv6_literal = parsed.ipv6_literal;
        return Http2Result::found;
    }
    const bool more = !block.whole && !block.wrong && read != HpackResult::malformed;
    return more ? Http2Result::incomplete : Http2Result::none;
}

} // namespace foregate::dataplane
