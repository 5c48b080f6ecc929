// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/name_buffer.h"

#include <array>

namespace foregate::dataplane {

namespace {

constexpr std::array<char, 256> make_fold_table() {
    std::array<char, 256> table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
        const char c = static_cast<char>(i);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        table[i] = plain ? c : '?';
        if (c >= 'A' && c <= 'Z') {
            table[i] = static_cast<char>(c - 'A' + 'a');
        }
    }
    return table;
}

constexpr std::array<char, 256> kFold = make_fold_table();

} // namespace

char name_byte(std::uint8_t raw) noexcept {
    return kFold[raw];
}

void assign_name(std::span<const std::uint8_t> raw, NameBuffer& out) noexcept {
    out.clear();
    while (!raw.empty() && raw.back() == '.') {
        raw = raw.first(raw.size() - 1);
    }
    if (raw.size() > kMaxNameLength) {
        raw = raw.last(kMaxNameLength);
        out.odd = true;
    }
    for (const std::uint8_t byte : raw) {
        const char c = byte == '.' ? '.' : kFold[byte];
        out.odd = out.odd || c == '?';
        out.text[out.length++] = c;
    }
}

} // namespace foregate::dataplane
