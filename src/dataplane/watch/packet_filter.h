// SPDX-License-Identifier: BSD-3-Clause
// The one filter language of trace, capture and show flows: pcap-filter(7), compiled by libpcap, run on frames.
//
// Compiled on the control core; immutable afterwards, so any core may run it. A program has no loops (classic BPF), so its
// cost is bounded by its length. Host names are refused: the compiler would ask a resolver, and the control core waits
// for nobody. Names of services and protocols come from files of the host and are allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct bpf_program;

namespace foregate::dataplane {

class PacketFilter {
public:
    /// Longest expression that is taken.
    static constexpr std::size_t kMostText = 1000;

    /// Matches everything.
    PacketFilter() noexcept = default;
    /// An empty expression matches everything. Throws std::invalid_argument with the compiler's reason.
    explicit PacketFilter(std::string_view expression);

    /// `kept` contiguous bytes of an Ethernet frame of `length` bytes; a field beyond `kept` does not match.
    [[nodiscard]] bool matches(const std::uint8_t* frame, std::uint32_t kept, std::uint32_t length) const noexcept;
    [[nodiscard]] bool matches(std::span<const std::uint8_t> frame) const noexcept {
        const auto size = static_cast<std::uint32_t>(frame.size());
        return matches(frame.data(), size, size);
    }
    [[nodiscard]] bool matches_all() const noexcept { return program_ == nullptr; }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    struct FreeProgram {
        void operator()(bpf_program* program) const noexcept;
    };
    std::string text_;
    std::unique_ptr<bpf_program, FreeProgram> program_; ///< nullptr: everything
};

/// The first word of a pcap-filter expression that would be looked up as a host's or network's name; empty: none.
[[nodiscard]] std::string_view word_to_look_up(std::string_view expression) noexcept;

} // namespace foregate::dataplane
