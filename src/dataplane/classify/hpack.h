// SPDX-License-Identifier: BSD-3-Clause
// Reads the first header block of an HTTP/2 connection (HPACK, RFC 7541): literals, Huffman code,
// the static table, and the dynamic table as far as the block itself fills it. Only fields that
// classify are kept. Inside classify/ only; pure, fixed size, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace foregate::dataplane {

/// Fields that are kept; others are read over.
enum class HpackName : std::uint8_t {
    other,
    authority, ///< also the Host field, which says the same: the first of both counts
    method,
    path,
    content_type,
    user_agent,
};

enum class HpackResult : std::uint8_t {
    whole,     ///< the block was read to its end
    cut,       ///< it ends within a field
    malformed, ///< no HPACK, or more text than is kept
};

/// Decodes a Huffman-coded string into `out`. Returns its whole length, which may exceed what
/// fitted; -1 when it is no such string.
[[nodiscard]] std::ptrdiff_t hpack_huffman(std::span<const std::uint8_t> coded,
                                           std::span<char> out) noexcept;

/// One header block. About 6 KB: for the stack of the caller.
class HpackBlock {
public:
    static constexpr std::size_t kTextBytes = 4096;   ///< of all kept fields together
    static constexpr std::size_t kTableBytes = 4096;  ///< the protocol's own default
    static constexpr std::size_t kEntryOverhead = 32; ///< RFC 7541, section 4.1
    static constexpr std::size_t kMaxEntries = kTableBytes / kEntryOverhead;

    /// Reads `block`. The first value of each kept field is then in value().
    [[nodiscard]] HpackResult read(std::span<const std::uint8_t> block) noexcept;

    /// Empty when the field did not come, or came empty. Valid as long as this object.
    [[nodiscard]] std::string_view value(HpackName name) const noexcept {
        return values_[static_cast<std::size_t>(name)];
    }

private:
    static constexpr std::size_t kNames = static_cast<std::size_t>(HpackName::user_agent) + 1;

    struct Field {
        HpackName name = HpackName::other;
        std::string_view value; ///< of kept fields
        std::size_t size = 0;   ///< of name and value
        std::size_t name_size = 0;
    };
    struct Entry {
        std::string_view value;
        std::uint16_t size; ///< with overhead
        std::uint16_t name_size;
        HpackName name;
    };

    HpackResult read_field() noexcept;
    HpackResult read_indexed(std::size_t index) noexcept;
    HpackResult read_literal(std::size_t name_index, bool add) noexcept;
    bool read_integer(unsigned prefix_bits, std::size_t& value) noexcept;
    /// Text of a string goes to `out`; what exceeds it is only counted.
    bool read_string(std::span<char> out, std::size_t& size) noexcept;
    bool name_of(std::size_t index, Field& field) const noexcept;
    void keep(const Field& field) noexcept;
    void add_entry(const Field& field) noexcept;
    void evict(std::size_t bytes_wanted) noexcept;
    [[nodiscard]] const Entry& entry(std::size_t age) const noexcept; ///< 0: the newest
    HpackResult failure() const noexcept {
        return cut_ ? HpackResult::cut : HpackResult::malformed;
    }

    std::span<const std::uint8_t> block_;
    std::size_t at_ = 0;
    bool cut_ = false;
    std::size_t table_limit_ = kTableBytes;
    std::size_t table_bytes_ = 0;
    std::size_t entry_count_ = 0;
    std::size_t next_entry_ = 0; ///< where the next one goes, of a ring
    std::size_t text_used_ = 0;
    std::array<std::string_view, kNames> values_{};
    std::array<Entry, kMaxEntries> entries_;
    std::array<char, kTextBytes> text_;
};

} // namespace foregate::dataplane
