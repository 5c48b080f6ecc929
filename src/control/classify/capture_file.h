// SPDX-License-Identifier: BSD-3-Clause
// Packets out of a pcap or pcapng file, one after the other: both byte orders, micro- and nanoseconds, packets that were
// cut short when captured. Reads the file as a whole; throws std::runtime_error with `file: message` for what is no capture.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace foregate::control {

/// One packet as captured. `bytes` point into the CaptureFile.
struct CapturedPacket {
    std::uint64_t time_ns = 0;         ///< since 1970
    std::uint32_t link_type = 0;       ///< LINKTYPE_ number, as the pcap formats write it
    std::uint32_t original_length = 0; ///< on the wire
    std::span<const std::uint8_t> bytes;
};

class CaptureFile {
public:
    explicit CaptureFile(const std::filesystem::path& file);
    /// The same from bytes; `name` is for messages.
    CaptureFile(std::vector<std::uint8_t> bytes, std::string name);
    /// False at the end. Of a packet that a pcap file ends within there is what is there; `cut_off()` tells.
    [[nodiscard]] bool next(CapturedPacket& out);
    [[nodiscard]] bool cut_off() const noexcept { return cut_off_; }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); } ///< of the file

private:
    struct Interface {
        std::uint32_t link_type = 0;
        std::uint32_t snap_length = 0;
        std::uint64_t ticks_per_second = 1'000'000;
    };

    [[nodiscard]] std::uint16_t u16(std::size_t at) const noexcept;
    [[nodiscard]] std::uint32_t u32(std::size_t at) const noexcept;
    void begin();
    void begin_pcap(std::uint32_t magic);
    [[nodiscard]] bool next_pcap(CapturedPacket& out);
    [[nodiscard]] bool next_pcapng(CapturedPacket& out);
    [[nodiscard]] bool begin_section(std::size_t at);
    void add_interface(std::size_t at, std::size_t end);
    [[nodiscard]] bool enhanced_packet(std::size_t at, std::size_t end, bool obsolete, CapturedPacket& out) const;

    std::string name_;
    std::vector<std::uint8_t> bytes_;
    std::size_t at_ = 0;
    bool pcapng_ = false;
    bool big_endian_ = false;
    bool nanoseconds_ = false;
    std::size_t record_header_ = 16;
    bool cut_off_ = false;
    std::vector<Interface> interfaces_;
};

} // namespace foregate::control
