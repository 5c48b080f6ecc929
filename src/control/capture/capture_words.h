// SPDX-License-Identifier: BSD-3-Clause
// What an operator may say after `capture start`, `trace` and `flow explain`: words in, plain values out. Pure; any
// thread. What is wrong is a std::invalid_argument that says what was expected.
#pragma once

#include "dataplane/packet/ip_address.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::control {

/// `FILE [port NAME] [in|out] [snap BYTES] [size SIZE] [files COUNT] [packets COUNT] [filter EXPRESSION...]`
struct CaptureWords {
    std::string file;                          ///< without its ending
    std::vector<std::string> ports;            ///< names; empty: all
    bool in = true;
    bool out = true;
    std::optional<std::uint32_t> snap_bytes;
    std::optional<std::uint64_t> size_bytes;   ///< of one file
    unsigned files = 1;                        ///< above 1: a ring of files, the oldest goes
    std::optional<std::uint64_t> packets;
    std::string filter;                        ///< the rest of the line
};
[[nodiscard]] CaptureWords parse_capture_words(std::span<const std::string> words);

/// `COUNT [within SECONDS] [FILTER...]`
struct TraceWords {
    unsigned count = 0;
    std::chrono::seconds within{10};
    std::string filter;
};
[[nodiscard]] TraceWords parse_trace_words(std::span<const std::string> words);

/// One end of a flow: `10.0.0.1:443`, `[2001:db8::1]:443`, `name:443`, or without a port.
struct EndWords {
    std::string host; ///< an address or a name
    std::uint16_t port = 0; ///< 0: none was given
    [[nodiscard]] std::optional<dataplane::IpAddress> address() const { return dataplane::IpAddress::parse(host); }
};

/// `PROTOCOL SOURCE DESTINATION [name NAME]`; the source is the desktop's end, and its port may be left out.
struct FiveTupleWords {
    std::uint8_t protocol = 0;
    EndWords source;
    EndWords destination;
    std::string name; ///< asked for in the flow's first payload; empty: as `destination` says
};
[[nodiscard]] FiveTupleWords parse_five_tuple_words(std::span<const std::string> words);

/// The words again as one line.
[[nodiscard]] std::string joined(std::span<const std::string> words);

} // namespace foregate::control
