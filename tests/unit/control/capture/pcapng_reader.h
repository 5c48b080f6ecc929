// SPDX-License-Identifier: BSD-3-Clause
// Reads pcapng back, by the draft and not by the writer: blocks with their options, every length checked.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace foregate::control {

struct PcapngBlock {
    std::uint32_t type = 0;
    std::vector<std::uint8_t> body;              ///< without type and lengths
    std::map<std::uint16_t, std::string> options; ///< after the fixed part
    [[nodiscard]] std::uint32_t word(std::size_t at) const { return number<std::uint32_t>(at); }
    template <typename T>
    [[nodiscard]] T number(std::size_t at) const {
        T value;
        if (at + sizeof value > body.size()) {
            throw std::runtime_error("a block is too short");
        }
        std::memcpy(&value, body.data() + at, sizeof value);
        return value;
    }
    [[nodiscard]] std::uint64_t time_ns() const { return std::uint64_t{word(4)} << 32 | word(8); }
};

inline void read_options(PcapngBlock& block, std::size_t at) {
    while (at < block.body.size()) {
        const auto code = block.number<std::uint16_t>(at);
        const auto length = block.number<std::uint16_t>(at + 2);
        at += 4;
        if (code == 0) {
            if (length != 0 || at != block.body.size()) {
                throw std::runtime_error("options go on after their end");
            }
            return;
        }
        if (at + length > block.body.size()) {
            throw std::runtime_error("an option reaches beyond its block");
        }
        block.options[code] = std::string(reinterpret_cast<const char*>(block.body.data() + at), length);
        at += (length + 3U) / 4 * 4;
    }
    throw std::runtime_error("options without an end");
}

inline std::vector<PcapngBlock> read_pcapng(const std::vector<std::uint8_t>& bytes) {
    std::vector<PcapngBlock> blocks;
    for (std::size_t at = 0; at < bytes.size();) {
        PcapngBlock block;
        std::uint32_t head[2];
        std::uint32_t tail = 0;
        if (bytes.size() - at < 12) {
            throw std::runtime_error("a block is cut");
        }
        std::memcpy(head, bytes.data() + at, 8);
        if (head[1] < 12 || head[1] % 4 != 0 || head[1] > bytes.size() - at) {
            throw std::runtime_error("a block's length is impossible");
        }
        std::memcpy(&tail, bytes.data() + at + head[1] - 4, 4);
        if (tail != head[1]) {
            throw std::runtime_error("a block's two lengths differ");
        }
        block.type = head[0];
        block.body.assign(bytes.begin() + static_cast<std::ptrdiff_t>(at) + 8,
                          bytes.begin() + static_cast<std::ptrdiff_t>(at + head[1]) - 4);
        const std::size_t fixed = block.type == 0x0a0d0d0a ? 16
                                  : block.type == 1        ? 8
                                  : block.type == 6        ? 20 + (block.word(12) + 3) / 4 * 4
                                                           : 12;
        read_options(block, fixed);
        blocks.push_back(std::move(block));
        at += head[1];
    }
    return blocks;
}

inline std::vector<PcapngBlock> read_pcapng(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        throw std::runtime_error(file.string() + " cannot be read");
    }
    return read_pcapng(std::vector<std::uint8_t>(std::istreambuf_iterator<char>(in), {}));
}

} // namespace foregate::control
