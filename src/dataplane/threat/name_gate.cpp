// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/threat/name_gate.h"

#include "dataplane/prefetch.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kNamesAWord = 4; ///< 16 bits a name
constexpr std::size_t kMostWords = std::size_t{1} << 32;

std::uint64_t fold(std::uint64_t x, std::uint64_t y) noexcept {
    __extension__ using Wide = unsigned __int128;
    const auto product = static_cast<Wide>(x) * y;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <typename T>
std::uint64_t load(const char* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

/// A label and what stands behind it: `behind` is the hash of that, 0 for nothing.
std::uint64_t hash_label(std::string_view label, std::uint64_t behind) noexcept {
    constexpr std::uint64_t kFirst = 0xa0761d6478bd642fULL;
    constexpr std::uint64_t kSecond = 0xe7037ed1a0b428dbULL;
    const char* at = label.data();
    std::size_t left = label.size();
    std::uint64_t hash = behind ^ kFirst ^ left * 0x8ebc6af09c88c6e3ULL;
    for (; left > 16; at += 16, left -= 16) {
        hash = fold(load<std::uint64_t>(at) ^ hash, load<std::uint64_t>(at + 8) ^ kSecond);
    }
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    if (left >= 8) {
        low = load<std::uint64_t>(at);
        high = load<std::uint64_t>(at + left - 8);
    } else if (left >= 4) {
        low = load<std::uint32_t>(at);
        high = load<std::uint32_t>(at + left - 4);
    } else if (left > 0) {
        low = load<std::uint8_t>(at) | load<std::uint8_t>(at + left / 2) << 8 | load<std::uint8_t>(at + left - 1) << 16;
    }
    hash = fold(low ^ hash, high ^ kSecond);
    return hash == 0 ? 1 : hash;
}

/// Calls `visit(hash, labels)` for each suffix at a label's boundary, the shortest first, until it says false.
template <typename Visit>
void for_suffixes(std::string_view host, Visit&& visit) noexcept {
    std::uint64_t hash = 0;
    std::size_t end = host.size();
    for (unsigned labels = 1;; ++labels) {
        const void* dot = end == 0 ? nullptr : ::memrchr(host.data(), '.', end);
        const std::size_t begin = dot == nullptr ? 0 : static_cast<std::size_t>(static_cast<const char*>(dot) - host.data()) + 1;
        hash = hash_label(host.substr(begin, end - begin), hash);
        if (!visit(hash, labels) || dot == nullptr) {
            return;
        }
        end = begin - 1;
    }
}

} // namespace

NameGate::NameGate(std::size_t names)
    : words_(std::bit_ceil(std::clamp((names + kNamesAWord - 1) / kNamesAWord, std::size_t{1}, kMostWords))) {}

void NameGate::add(std::string_view name) noexcept {
    std::uint64_t hash = 0;
    unsigned labels = 0;
    for_suffixes(name, [&](std::uint64_t suffix, unsigned count) noexcept {
        hash = suffix;
        labels = count;
        return true;
    });
    labels_.set(std::min<std::size_t>(labels, kMostLabels - 1));
    words_[word_of(hash)] |= bits_of(hash);
}

HostLook NameGate::look(std::string_view host) const noexcept {
    HostLook look;
    if (words_.empty()) {
        return look;
    }
    for_suffixes(host, [&](std::uint64_t suffix, unsigned labels) noexcept {
        if (labels == 2) {
            look.registered = suffix;
        }
        if (labels_.test(std::min<std::size_t>(labels, kMostLabels - 1))) {
            if (look.count == HostLook::kMost) {
                look.too_many = true;
                return false;
            }
            prefetch_line(&words_[word_of(suffix)]);
            look.suffixes[look.count++] = suffix;
        }
        return true;
    });
    return look;
}

bool NameGate::passes(const HostLook& look) const noexcept {
    for (unsigned i = 0; i < look.count; ++i) {
        const std::uint64_t bits = bits_of(look.suffixes[i]);
        if ((words_[word_of(look.suffixes[i])] & bits) == bits) {
            return true;
        }
    }
    return look.too_many;
}

std::uint64_t NameGate::registered_of(std::string_view name) noexcept {
    std::uint64_t registered = 0;
    for_suffixes(name, [&](std::uint64_t suffix, unsigned labels) noexcept {
        registered = labels == 2 ? suffix : 0;
        return labels < 2;
    });
    return registered;
}

} // namespace foregate::dataplane
