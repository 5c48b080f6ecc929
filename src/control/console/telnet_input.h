// SPDX-License-Identifier: BSD-3-Clause
// What a telnet client types, made safe for libcli's line editor. Pure; one object per client, any
// one thread.
//
// libcli 1.10 needs this guard: it reads telnet subnegotiations as typed text, ends a line at CR
// only, and completes a word without looking at the end of its 4096-byte buffer. So: telnet
// commands (RFC 854) are taken out and options other than echo and suppress-go-ahead are refused
// (RFC 855, 1143); CR LF, CR NUL and a bare LF all become CR; only ASCII and the editing keys pass;
// and the length of the line in the editor is bounded from above by counting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace foregate::control {

class TelnetInput {
public:
    static constexpr std::size_t kMostTyped = 1000; ///< bytes in a line; more get a bell
    static constexpr std::size_t kLongestCompletion =
        64; ///< what Tab may add, less the blank after it

    /// Appends to `to_editor` what libcli may see, and to `to_client` refusals and bells.
    void feed(std::string_view received, std::string& to_editor, std::string& to_client);

private:
    enum class State : std::uint8_t {
        text,
        command,
        option,
        subnegotiation,
        subnegotiation_command
    };
    void text(unsigned char c, std::string& to_editor, std::string& to_client);
    void control(unsigned char c, std::string& to_editor, std::string& to_client);
    void option(unsigned char option, std::string& to_client);

    State state_ = State::text;
    unsigned char verb_ = 0; ///< WILL, WONT, DO or DONT before its option
    bool after_cr_ = false;
    std::size_t typed_ = 0;   ///< no line in the editor is longer than this
    std::size_t longest_ = 0; ///< no line in the history is longer than this
};

} // namespace foregate::control
