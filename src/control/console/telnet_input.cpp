// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/telnet_input.h"

#include <algorithm>

namespace foregate::control {
namespace {

// RFC 854
constexpr unsigned char kIac = 255;
constexpr unsigned char kDont = 254;
constexpr unsigned char kDo = 253;
constexpr unsigned char kWont = 252;
constexpr unsigned char kWill = 251;
constexpr unsigned char kSubnegotiation = 250;
constexpr unsigned char kSubnegotiationEnd = 240;
// RFC 857, RFC 858: the two that libcli offers
constexpr unsigned char kEcho = 1;
constexpr unsigned char kSuppressGoAhead = 3;

constexpr unsigned char key(char c) {
    return static_cast<unsigned char>(c - '@');
}

/// Control keys that libcli's editor knows; the rest would land in the line.
bool is_editing_key(unsigned char c) {
    constexpr std::string_view kKeys = "ABCDEFHIKLNPUW[";
    return c < 0x20 && kKeys.find(static_cast<char>(c + '@')) != std::string_view::npos;
}

} // namespace

void TelnetInput::feed(std::string_view received, std::string& to_editor, std::string& to_client) {
    for (const char byte : received) {
        const auto c = static_cast<unsigned char>(byte);
        switch (state_) {
        case State::text:
            if (c == kIac) {
                state_ = State::command;
            } else {
                text(c, to_editor, to_client);
            }
            break;
        case State::command:
            verb_ = c;
            state_ = c >= kWill && c <= kDont ? State::option
                     : c == kSubnegotiation   ? State::subnegotiation
                                              : State::text;
            break;
        case State::option:
            option(c, to_client);
            state_ = State::text;
            break;
        case State::subnegotiation:
            state_ = c == kIac ? State::subnegotiation_command : state_;
            break;
        case State::subnegotiation_command:
            state_ = c == kSubnegotiationEnd ? State::text : State::subnegotiation;
            break;
        }
    }
}

void TelnetInput::option(unsigned char option, std::string& to_client) {
    const bool known = option == kEcho || option == kSuppressGoAhead;
    if (known || (verb_ != kDo && verb_ != kWill)) {
        return; // answering a refusal could go on for ever
    }
    to_client += static_cast<char>(kIac);
    to_client += static_cast<char>(verb_ == kDo ? kWont : kDont);
    to_client += static_cast<char>(option);
}

void TelnetInput::text(unsigned char c, std::string& to_editor, std::string& to_client) {
    const bool second_of_end = after_cr_ && (c == '\n' || c == 0);
    after_cr_ = c == '\r';
    if (second_of_end) {
        return;
    }
    if (c == '\r' || c == '\n') {
        to_editor += '\r';
        longest_ = std::max(longest_, typed_);
        typed_ = 0;
    } else if (c >= 0x20 && c < 0x7f) {
        if (typed_ >= kMostTyped) {
            to_client += '\a';
            return;
        }
        to_editor += static_cast<char>(c);
        ++typed_;
    } else {
        control(c, to_editor, to_client);
    }
}

void TelnetInput::control(unsigned char c, std::string& to_editor, std::string& to_client) {
    if (c != 0x7f && !is_editing_key(c)) {
        return;
    }
    if (c == key('I')) {
        if (typed_ >= kMostTyped) {
            to_client += '\a';
            return;
        }
        typed_ += kLongestCompletion + 1;
    } else if (c == key('P') || c == key('N') || c == key('[')) {
        typed_ = std::max(typed_, longest_); // a line of the history, perhaps
    } else if (c == key('U')) {
        typed_ = 0;
    }
    to_editor += static_cast<char>(c);
}

} // namespace foregate::control
