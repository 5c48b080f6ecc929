// SPDX-License-Identifier: BSD-3-Clause
#include "control/classify/capture_file.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace foregate::control {

namespace {

constexpr std::uint32_t kPcapMicro = 0xa1b2c3d4;
constexpr std::uint32_t kPcapNano = 0xa1b23c4d;
constexpr std::uint32_t kPcapModified = 0xa1b2cd34; ///< with eight more bytes for each packet
constexpr std::uint32_t kSection = 0x0a0d0d0a;
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
constexpr std::uint32_t kInterface = 1;
constexpr std::uint32_t kObsoletePacket = 2;
constexpr std::uint32_t kSimplePacket = 3;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint16_t kOptionTicks = 9;
constexpr std::size_t kFileHeader = 24;

constexpr std::uint32_t swapped(std::uint32_t v) noexcept { return __builtin_bswap32(v); }

} // namespace

CaptureFile::CaptureFile(const std::filesystem::path& file) : name_(file.string()) {
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    std::error_code error;
    if (!in || std::filesystem::is_directory(file, error)) {
        throw std::runtime_error(name_ + ": cannot be read (" +
                                 std::generic_category().message(errno != 0 ? errno : EISDIR) + "), expected a capture");
    }
    bytes_.assign(std::istreambuf_iterator<char>(in), {});
    begin();
}

CaptureFile::CaptureFile(std::vector<std::uint8_t> bytes, std::string name)
    : name_(std::move(name)), bytes_(std::move(bytes)) {
    begin();
}

void CaptureFile::begin() {
    if (bytes_.size() < kFileHeader) {
        throw std::runtime_error(name_ + ": too short for a capture, expected pcap or pcapng");
    }
    const std::uint32_t magic = u32(0);
    if (magic == kSection) {
        pcapng_ = true;
    } else {
        begin_pcap(magic);
    }
}

std::uint16_t CaptureFile::u16(std::size_t at) const noexcept {
    return static_cast<std::uint16_t>(big_endian_ ? bytes_[at] << 8 | bytes_[at + 1] : bytes_[at + 1] << 8 | bytes_[at]);
}

std::uint32_t CaptureFile::u32(std::size_t at) const noexcept {
    const std::uint32_t first = u16(at);
    const std::uint32_t second = u16(at + 2);
    return big_endian_ ? first << 16 | second : second << 16 | first;
}

void CaptureFile::begin_pcap(std::uint32_t magic) {
    const auto is = [magic](std::uint32_t wanted) { return magic == wanted || swapped(magic) == wanted; };
    if (!is(kPcapMicro) && !is(kPcapNano) && !is(kPcapModified)) {
        throw std::runtime_error(name_ + ": neither pcap nor pcapng");
    }
    big_endian_ = magic != kPcapMicro && magic != kPcapNano && magic != kPcapModified;
    nanoseconds_ = is(kPcapNano);
    record_header_ = is(kPcapModified) ? 24 : 16;
    // The upper bits tell about frame check sequences.
    interfaces_.push_back({u32(20) & 0x0fffffff, u32(16), 0});
    at_ = kFileHeader;
}

bool CaptureFile::next(CapturedPacket& out) { return pcapng_ ? next_pcapng(out) : next_pcap(out); }

bool CaptureFile::next_pcap(CapturedPacket& out) {
    if (at_ + record_header_ > bytes_.size()) {
        cut_off_ = cut_off_ || at_ != bytes_.size();
        return false;
    }
    const std::uint64_t seconds = u32(at_);
    const std::uint64_t fraction = u32(at_ + 4);
    const std::size_t length = u32(at_ + 8);
    out.original_length = u32(at_ + 12);
    out.time_ns = seconds * 1'000'000'000 + fraction * (nanoseconds_ ? 1 : 1000);
    out.link_type = interfaces_[0].link_type;
    const std::size_t there = std::min(length, bytes_.size() - at_ - record_header_);
    cut_off_ = there < length;
    out.bytes = {bytes_.data() + at_ + record_header_, there};
    at_ += record_header_ + there;
    return there > 0 || length == 0;
}

bool CaptureFile::begin_section(std::size_t at) {
    big_endian_ = false;
    if (u32(at + 8) != kByteOrder) {
        big_endian_ = true;
        if (u32(at + 8) != kByteOrder) {
            return false;
        }
    }
    interfaces_.clear();
    return true;
}

void CaptureFile::add_interface(std::size_t at, std::size_t end) {
    Interface added{u16(at + 8), u32(at + 12), 1'000'000};
    for (std::size_t option = at + 16; option + 4 <= end;) {
        const std::uint16_t code = u16(option);
        const std::size_t length = u16(option + 2);
        if (code == 0 || option + 4 + length > end) {
            break;
        }
        if (code == kOptionTicks && length >= 1) {
            const std::uint8_t ticks = bytes_[option + 4];
            added.ticks_per_second = 1;
            for (unsigned i = 0; i < (ticks & 0x7fU) && i < 63 && added.ticks_per_second < 1'000'000'000'000ULL; ++i) {
                added.ticks_per_second *= (ticks & 0x80) != 0 ? 2 : 10;
            }
        }
        option += 4 + ((length + 3) & ~std::size_t{3});
    }
    interfaces_.push_back(added);
}

bool CaptureFile::enhanced_packet(std::size_t at, std::size_t end, bool obsolete, CapturedPacket& out) const {
    if (at + 28 > end) {
        return false;
    }
    const std::size_t interface = obsolete ? u16(at + 8) : u32(at + 8);
    const std::size_t length = u32(at + 20);
    if (interface >= interfaces_.size() || length > end - at - 28) {
        return false;
    }
    const std::uint64_t ticks = static_cast<std::uint64_t>(u32(at + 12)) << 32 | u32(at + 16);
    const std::uint64_t per_second = interfaces_[interface].ticks_per_second;
    out.time_ns = ticks / per_second * 1'000'000'000 + ticks % per_second * 1'000'000'000 / per_second;
    out.original_length = u32(at + 24);
    out.link_type = interfaces_[interface].link_type;
    out.bytes = {bytes_.data() + at + 28, length};
    return true;
}

bool CaptureFile::next_pcapng(CapturedPacket& out) {
    while (at_ + 12 <= bytes_.size()) {
        const std::size_t at = at_;
        const std::uint32_t type = u32(at);
        if (type == kSection && (at + 28 > bytes_.size() || !begin_section(at))) {
            throw std::runtime_error(name_ + ": a pcapng section without byte order");
        }
        const std::size_t length = u32(at + 4);
        if (length < 12 || length > bytes_.size() - at) {
            cut_off_ = true;
            return false;
        }
        at_ = at + ((length + 3) & ~std::size_t{3});
        const std::size_t end = at + length - 4;
        if (type == kInterface && length >= 20) {
            add_interface(at, end);
        } else if ((type == kEnhancedPacket || type == kObsoletePacket) &&
                   enhanced_packet(at, end, type == kObsoletePacket, out)) {
            return true;
        } else if (type == kSimplePacket && length >= 16 && !interfaces_.empty()) {
            const std::uint32_t snap = interfaces_[0].snap_length;
            out.original_length = u32(at + 8);
            const std::size_t kept = std::min<std::size_t>(snap != 0 ? std::min(out.original_length, snap) : out.original_length,
                                                           end - at - 12);
            out.time_ns = 0;
            out.link_type = interfaces_[0].link_type;
            out.bytes = {bytes_.data() + at + 12, kept};
            return true;
        }
    }
    cut_off_ = at_ < bytes_.size();
    return false;
}

} // namespace foregate::control
