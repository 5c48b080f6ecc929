// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/hpack.h"

#include <algorithm>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kStaticEntries = 61;
constexpr std::size_t kMaxNameBytes = 16; // longer ones are not kept
constexpr std::size_t kMaxInteger = 1U << 24;

struct StaticField {
    std::size_t index;
    HpackName name;
    std::string_view value;
};

/// The entries of the static table (RFC 7541, appendix A) that classify.
constexpr StaticField kStaticFields[] = {
    {1, HpackName::authority, ""},       {2, HpackName::method, "GET"},
    {3, HpackName::method, "POST"},      {4, HpackName::path, "/"},
    {5, HpackName::path, "/index.html"}, {31, HpackName::content_type, ""},
    {38, HpackName::authority, ""},           {58, HpackName::user_agent, ""},
};

/// Length of the name of each static entry, 1 to 61: it counts in the size of the dynamic table.
constexpr std::array<std::uint8_t, kStaticEntries + 1> kStaticNameBytes = {
    0, 10, 7,  7,  5,  5,  7,  7,  7,  7,  7,  7,  7, 7,  7,  14, 15, 15, 13, 6,  27,
    3, 5,  13, 13, 19, 16, 16, 14, 16, 13, 12, 6,  4, 4,  6,  7,  4,  4,  8,  17, 13,
    8, 19, 13, 4,  8,  12, 18, 19, 5,  7,  7,  11, 6, 10, 25, 17, 10, 4,  3,  16};

struct NamedField {
    std::string_view text;
    HpackName name;
};

constexpr NamedField kNamedFields[] = {
    {":authority", HpackName::authority},
    {":method", HpackName::method},
    {":path", HpackName::path},
    {"host", HpackName::authority},
    {"content-type", HpackName::content_type},
    {"user-agent", HpackName::user_agent},
};

constexpr int kEndOfString = 256;
constexpr unsigned kMinCodeBits = 5;
constexpr unsigned kMaxCodeBits = 30;

/// Bits of the Huffman code of each byte and of the end of string (RFC 7541, appendix B). The code
/// is canonical: codes of one length follow each other in the order of their symbols.
constexpr std::array<std::uint8_t, 257> kCodeBits = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10, 13, 6,  7,  7,  7,  7,  7,  7,
    7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  6,  7,  6,  5,  5,  6,  7,  7,
    7,  7,  7,  15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
};

struct CodeTable {
    /// First code that is too large for this length, its bits moved to the top of 32.
    std::array<std::uint64_t, kMaxCodeBits + 1> limit{};
    std::array<std::uint32_t, kMaxCodeBits + 1> first{}; ///< code, its bits at the bottom
    std::array<std::uint16_t, kMaxCodeBits + 1> begin{}; ///< place of its symbol in `symbols`
    std::array<std::uint16_t, kCodeBits.size()> symbols{};
    bool complete = false; ///< the code uses all there is
};

constexpr CodeTable make_code_table() {
    CodeTable table;
    std::uint16_t place = 0;
    std::uint64_t code = 0;
    for (unsigned bits = 1; bits <= kMaxCodeBits; ++bits) {
        code <<= 1;
        table.first[bits] = static_cast<std::uint32_t>(code);
        table.begin[bits] = place;
        for (std::size_t symbol = 0; symbol < kCodeBits.size(); ++symbol) {
            if (kCodeBits[symbol] == bits) {
                table.symbols[place++] = static_cast<std::uint16_t>(symbol);
                ++code;
            }
        }
        table.limit[bits] = code << (32 - bits);
    }
    table.complete = code == std::uint64_t{1} << kMaxCodeBits;
    return table;
}

constexpr CodeTable kCodes = make_code_table();
static_assert(kCodes.complete && kCodes.symbols.back() == kEndOfString);

} // namespace

std::ptrdiff_t hpack_huffman(std::span<const std::uint8_t> coded, std::span<char> out) noexcept {
    std::uint64_t window = 0; // `bits` of them at the bottom
    unsigned bits = 0;
    std::size_t at = 0;
    std::size_t length = 0;
    while (true) {
        while (bits <= 32 && at < coded.size()) {
            window = window << 8 | coded[at++];
            bits += 8;
        }
        if (bits == 0) {
            return static_cast<std::ptrdiff_t>(length);
        }
        // The top 32 bits; what is missing at the end counts as ones, as its padding does.
        const std::uint64_t ahead = bits >= 32 ? window >> (bits - 32) & 0xffffffffU
                                               : (window << (32 - bits) & 0xffffffffU) |
                                                     ((std::uint64_t{1} << (32 - bits)) - 1);
        unsigned size = kMinCodeBits;
        while (size < kMaxCodeBits && ahead >= kCodes.limit[size]) {
            ++size;
        }
        if (size > bits) { // padding: fewer than 8 bits, all ones
            const bool ones = ahead == 0xffffffffU;
            return ones && bits < 8 ? static_cast<std::ptrdiff_t>(length) : -1;
        }
        const auto code = static_cast<std::uint32_t>(ahead >> (32 - size));
        const std::uint16_t symbol =
            kCodes.symbols[kCodes.begin[size] + (code - kCodes.first[size])];
        if (symbol == kEndOfString) {
            return -1;
        }
        if (length < out.size()) {
            out[length] = static_cast<char>(symbol);
        }
        ++length;
        bits -= size;
    }
}

HpackResult HpackBlock::read(std::span<const std::uint8_t> block) noexcept {
    block_ = block;
    at_ = 0;
    cut_ = false;
    table_limit_ = kTableBytes;
    table_bytes_ = 0;
    entry_count_ = 0;
    next_entry_ = 0;
    text_used_ = 0;
    values_ = {};
    while (at_ < block_.size()) {
        const HpackResult result = read_field();
        if (result != HpackResult::whole) {
            return result;
        }
    }
    return HpackResult::whole;
}

HpackResult HpackBlock::read_field() noexcept {
    const std::uint8_t first = block_[at_];
    std::size_t value = 0;
    if ((first & 0x80U) != 0) {
        return read_integer(7, value) ? read_indexed(value) : failure();
    }
    if ((first & 0x40U) != 0) {
        return read_integer(6, value) ? read_literal(value, true) : failure();
    }
    if ((first & 0x20U) != 0) { // a new size of the dynamic table
        if (!read_integer(5, value)) {
            return failure();
        }
        table_limit_ = std::min(value, kTableBytes);
        evict(0);
        return value <= kTableBytes ? HpackResult::whole : HpackResult::malformed;
    }
    return read_integer(4, value) ? read_literal(value, false) : failure();
}

HpackResult HpackBlock::read_indexed(std::size_t index) noexcept {
    Field field;
    if (!name_of(index, field)) {
        return HpackResult::malformed;
    }
    keep(field);
    return HpackResult::whole;
}

HpackResult HpackBlock::read_literal(std::size_t name_index, bool add) noexcept {
    Field field;
    if (name_index != 0) {
        if (!name_of(name_index, field)) {
            return HpackResult::malformed;
        }
    } else {
        std::array<char, kMaxNameBytes> text;
        if (!read_string(text, field.name_size)) {
            return failure();
        }
        const std::string_view name(text.data(), std::min(field.name_size, text.size()));
        for (const NamedField& known : kNamedFields) {
            field.name =
                name == known.text && field.name_size == name.size() ? known.name : field.name;
        }
    }
    const bool kept = field.name != HpackName::other;
    const std::span<char> room = kept ? std::span(text_).subspan(text_used_) : std::span<char>();
    std::size_t value_size = 0;
    if (!read_string(room, value_size)) {
        return failure();
    }
    field.value = {};
    if (kept) {
        if (value_size > room.size()) {
            return HpackResult::malformed;
        }
        field.value = {room.data(), value_size};
        text_used_ += value_size;
    }
    field.size = field.name_size + value_size;
    keep(field);
    if (add) {
        add_entry(field);
    }
    return HpackResult::whole;
}

bool HpackBlock::read_integer(unsigned prefix_bits, std::size_t& value) noexcept {
    if (at_ == block_.size()) {
        cut_ = true;
        return false;
    }
    const std::size_t full = (std::size_t{1} << prefix_bits) - 1;
    value = block_[at_++] & full;
    if (value < full) {
        return true;
    }
    for (unsigned shift = 0; shift <= 21; shift += 7) {
        if (at_ == block_.size()) {
            cut_ = true;
            return false;
        }
        const std::uint8_t byte = block_[at_++];
        value += static_cast<std::size_t>(byte & 0x7fU) << shift;
        if ((byte & 0x80U) == 0) {
            return value <= kMaxInteger;
        }
    }
    return false;
}

bool HpackBlock::read_string(std::span<char> out, std::size_t& size) noexcept {
    const bool coded = at_ < block_.size() && (block_[at_] & 0x80U) != 0;
    std::size_t length = 0;
    if (!read_integer(7, length)) {
        return false;
    }
    if (length > block_.size() - at_) {
        cut_ = true;
        return false;
    }
    const auto bytes = block_.subspan(at_, length);
    at_ += length;
    if (!coded) {
        std::copy_n(bytes.begin(), std::min(length, out.size()), out.begin());
        size = length;
        return true;
    }
    const std::ptrdiff_t decoded = hpack_huffman(bytes, out);
    size = decoded < 0 ? 0 : static_cast<std::size_t>(decoded);
    return decoded >= 0;
}

/// The field an index stands for; index 0 stands for none.
bool HpackBlock::name_of(std::size_t index, Field& field) const noexcept {
    if (index == 0 || index > kStaticEntries + entry_count_) {
        return false;
    }
    if (index > kStaticEntries) {
        const Entry& of = entry(index - kStaticEntries - 1);
        field = {of.name, of.value, 0, of.name_size};
        return true;
    }
    field = {};
    field.name_size = kStaticNameBytes[index];
    for (const StaticField& known : kStaticFields) {
        if (known.index == index) {
            field.name = known.name;
            field.value = known.value;
        }
    }
    return true;
}

void HpackBlock::keep(const Field& field) noexcept {
    std::string_view& slot = values_[static_cast<std::size_t>(field.name)];
    if (field.name != HpackName::other && slot.empty()) {
        slot = field.value;
    }
}

const HpackBlock::Entry& HpackBlock::entry(std::size_t age) const noexcept {
    return entries_[(next_entry_ + kMaxEntries - 1 - age) % kMaxEntries];
}

void HpackBlock::add_entry(const Field& field) noexcept {
    const std::size_t size = field.size + kEntryOverhead;
    evict(size);
    if (size > table_limit_) {
        return; // an entry larger than the table only empties it
    }
    entries_[next_entry_] = {field.value, static_cast<std::uint16_t>(size),
                             static_cast<std::uint16_t>(field.name_size), field.name};
    next_entry_ = (next_entry_ + 1) % kMaxEntries;
    ++entry_count_;
    table_bytes_ += size;
}

/// Drops the oldest entries until `bytes_wanted` more fit.
void HpackBlock::evict(std::size_t bytes_wanted) noexcept {
    while (entry_count_ > 0 && table_bytes_ + bytes_wanted > table_limit_) {
        table_bytes_ -= entry(entry_count_ - 1).size;
        --entry_count_;
    }
}

} // namespace foregate::dataplane
