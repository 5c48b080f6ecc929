// SPDX-License-Identifier: BSD-3-Clause
#include "control/capture/capture_words.h"

#include "control/config/quantity.h"

#include <algorithm>
#include <stdexcept>

namespace foregate::control {

namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::uint64_t kMostPackets = 1'000'000'000'000;
constexpr unsigned kMostFiles = 1000;
constexpr std::uint64_t kLeastSize = 4096;
constexpr unsigned kMostTraced = 1000;
constexpr unsigned kMostSeconds = 3600;

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument(what); }

/// The words one after the other; a value that is missing is an error that names its keyword.
class WordReader {
public:
    explicit WordReader(std::span<const std::string> words) : words_(words) {}
    [[nodiscard]] bool any() const { return at_ < words_.size(); }
    [[nodiscard]] const std::string& peek() const { return words_[at_]; }
    const std::string& next() { return words_[at_++]; }
    const std::string& value_of(const std::string& keyword) {
        if (!any()) {
            refuse(keyword + ": a value is missing");
        }
        return next();
    }
    std::uint64_t whole(const std::string& keyword, std::uint64_t least, std::uint64_t most) {
        const std::string& text = value_of(keyword);
        const auto number = parse_whole(text);
        if (!number.value || *number.value < least || *number.value > most) {
            refuse(keyword + ": " + text + " is no number between " + std::to_string(least) + " and " +
                   std::to_string(most));
        }
        return *number.value;
    }
    [[nodiscard]] std::span<const std::string> rest() {
        const auto left = words_.subspan(at_);
        at_ = words_.size();
        return left;
    }

private:
    std::span<const std::string> words_;
    std::size_t at_ = 0;
};

/// A file of the captures' own folder, never a path.
std::string file_name(std::string text) {
    constexpr std::string_view ending = ".pcapng";
    if (text.size() > ending.size() && text.ends_with(ending)) {
        text.resize(text.size() - ending.size());
    }
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    };
    if (text.empty() || text.size() > kLongestName || text.front() == '.' || text.front() == '-' ||
        !std::all_of(text.begin(), text.end(), allowed)) {
        refuse("'" + text + "' is no name for a capture, expected letters, digits, . _ - (it goes to the folder for captures)");
    }
    return text;
}

std::uint8_t protocol_of(const std::string& text) {
    using dataplane::IpAddress;
    if (text == "tcp") {
        return 6;
    }
    if (text == "udp") {
        return 17;
    }
    if (text == "icmp") {
        return 1;
    }
    if (text == "icmpv6" || text == "icmp6") {
        return 58;
    }
    const auto number = parse_whole(text);
    if (!number.value || *number.value > 255) {
        refuse("'" + text + "' is no protocol, expected tcp, udp, icmp, icmpv6 or a number up to 255");
    }
    return static_cast<std::uint8_t>(*number.value);
}

std::uint16_t port_of(std::string_view text, const std::string& whole_end) {
    const auto port = parse_whole(text);
    if (!port.value || *port.value == 0 || *port.value > 65535) {
        refuse("'" + whole_end + "': '" + std::string(text) + "' is no port, expected 1 to 65535");
    }
    return static_cast<std::uint16_t>(*port.value);
}

EndWords end_of(const std::string& text) {
    EndWords end;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string::npos || (close + 1 < text.size() && text[close + 1] != ':')) {
            refuse("'" + text + "' is no end of a flow, expected [ADDRESS]:PORT");
        }
        end.host = text.substr(1, close - 1);
        if (!end.address() || end.address()->is_v4()) {
            refuse("'" + end.host + "' is no IPv6 address");
        }
        if (close + 1 < text.size()) {
            end.port = port_of(std::string_view(text).substr(close + 2), text);
        }
        return end;
    }
    const bool bare = dataplane::IpAddress::parse(text).has_value(); // also an IPv6 address without a port
    const auto colon = text.rfind(':');
    if (bare || colon == std::string::npos) {
        end.host = text;
    } else {
        end.host = text.substr(0, colon);
        end.port = port_of(std::string_view(text).substr(colon + 1), text);
    }
    const auto allowed = [](char c) { return c > ' ' && c < 0x7f && c != '[' && c != ']'; };
    if (end.host.empty() || end.host.size() > 253 || !std::all_of(end.host.begin(), end.host.end(), allowed) ||
        (end.host.find(':') != std::string::npos && !end.address())) {
        refuse("'" + text + "' is no end of a flow, expected ADDRESS:PORT, [V6]:PORT or NAME:PORT");
    }
    return end;
}

} // namespace

std::string joined(std::span<const std::string> words) {
    std::string line;
    for (const std::string& word : words) {
        line += (line.empty() ? "" : " ") + word;
    }
    return line;
}

CaptureWords parse_capture_words(std::span<const std::string> words) {
    CaptureWords out;
    WordReader in(words);
    out.file = file_name(in.value_of("FILE"));
    while (in.any()) {
        const std::string word = in.next();
        if (word == "port") {
            out.ports.push_back(in.value_of(word));
        } else if (word == "in" || word == "out") {
            out.in = word == "in";
            out.out = word == "out";
        } else if (word == "snap") {
            out.snap_bytes = static_cast<std::uint32_t>(in.whole(word, 14, 65535));
        } else if (word == "size") {
            const std::string& text = in.value_of(word);
            const auto size = parse_size(text);
            if (!size.value || *size.value < kLeastSize) {
                refuse("size: " + text + ": " + (size.value ? "too small, expected at least 4KiB" : size.problem));
            }
            out.size_bytes = *size.value;
        } else if (word == "files") {
            out.files = static_cast<unsigned>(in.whole(word, 1, kMostFiles));
        } else if (word == "packets") {
            out.packets = in.whole(word, 1, kMostPackets);
        } else if (word == "filter") {
            if (!in.any()) {
                refuse("filter: an expression is missing");
            }
            out.filter = joined(in.rest());
        } else {
            refuse("unknown word '" + word + "', expected port, in, out, snap, size, files, packets or filter");
        }
    }
    return out;
}

TraceWords parse_trace_words(std::span<const std::string> words) {
    TraceWords out;
    WordReader in(words);
    out.count = static_cast<unsigned>(in.whole("COUNT", 1, kMostTraced));
    if (in.any() && in.peek() == "within") {
        const std::string word = in.next();
        out.within = std::chrono::seconds(in.whole(word, 1, kMostSeconds));
    }
    if (in.any() && in.peek() == "filter") {
        in.next();
    }
    out.filter = joined(in.rest());
    return out;
}

FiveTupleWords parse_five_tuple_words(std::span<const std::string> words) {
    FiveTupleWords out;
    WordReader in(words);
    out.protocol = protocol_of(in.value_of("PROTOCOL"));
    out.source = end_of(in.value_of("SOURCE"));
    out.destination = end_of(in.value_of("DESTINATION"));
    const bool ports = out.protocol == 6 || out.protocol == 17;
    if (ports && out.destination.port == 0) {
        refuse("DESTINATION: a port is missing, expected " + out.destination.host + ":PORT");
    }
    if (!ports && (out.destination.port != 0 || out.source.port != 0)) {
        refuse("this protocol has no ports");
    }
    if (in.any()) {
        const std::string word = in.next();
        if (word != "name") {
            refuse("unknown word '" + word + "', expected name");
        }
        out.name = in.value_of(word);
        if (in.any()) {
            refuse("one word too many: '" + in.next() + "'");
        }
    }
    return out;
}

} // namespace foregate::control
