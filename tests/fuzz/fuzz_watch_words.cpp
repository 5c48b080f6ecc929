// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as what an operator says after `capture start`, `trace`, `flow explain` and as a filter, which then runs on
// the same bytes as a frame. What must hold is checked; the rest is the sanitizers' work.
#include "control/capture/capture_words.h"
#include "control/console/command_line.h"
#include "dataplane/watch/first_payload.h"
#include "dataplane/watch/packet_filter.h"

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace foregate;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

template <typename Parse, typename Check>
void read(Parse parse, const std::vector<std::string>& words, Check check) {
    try {
        check(parse(words));
    } catch (const std::invalid_argument& problem) {
        require(*problem.what() != '\0');
    }
}

void filter(std::string_view text, const std::uint8_t* frame, std::size_t size) {
    require(dataplane::word_to_look_up(text).size() <= text.size());
    try {
        const dataplane::PacketFilter compiled(text);
        // Buffers of just the kept length, so that a byte beyond it is seen.
        for (const std::size_t kept : {size, size / 2, std::size_t{0}}) {
            const std::vector<std::uint8_t> part(frame, frame + kept);
            (void)compiled.matches(part.data(), static_cast<std::uint32_t>(kept), static_cast<std::uint32_t>(size));
        }
    } catch (const std::invalid_argument& problem) {
        require(*problem.what() != '\0');
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::vector<std::string> words;
    for (const control::Word& word : control::parse_command_line(text).words) {
        words.push_back(word.text);
    }
    read(control::parse_capture_words, words, [](const control::CaptureWords& w) {
        require(!w.file.empty() && w.file.find('/') == std::string::npos && w.file.front() != '.');
        require(w.files >= 1 && (w.in || w.out));
    });
    read(control::parse_trace_words, words, [](const control::TraceWords& w) { require(w.count >= 1); });
    read(control::parse_five_tuple_words, words, [](const control::FiveTupleWords& w) {
        require(!w.source.host.empty() && !w.destination.host.empty());
        (void)dataplane::first_payload(w.protocol, w.destination.port, w.name);
    });
    filter(text, data, size);
    filter(control::joined(words), data, size);
    return 0;
}
