// SPDX-License-Identifier: BSD-3-Clause
// A raw packet socket on one interface, promiscuous, that hears what the interface receives and
// never what it sends, and the frames' memory. Linux packet(7). One thread.
//
// Frames are taken with the kernel's receive stamp, so the time they waited in the socket is known
// and counts as part of the delay. Checksums are the sender's business: the other end of each veth
// must have its offloads off.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <sys/uio.h>

namespace foregate::lab {

/// Fixed slots for frames. A slot belongs to whoever took it until it is given back.
class FramePool {
public:
    static constexpr std::size_t kSlotBytes = 2048;

    explicit FramePool(std::uint32_t slots);
    bool take(std::uint32_t& slot) noexcept;
    void give_back(std::uint32_t slot) noexcept { free_.push_back(slot); }
    bool empty() const noexcept { return free_.empty(); }
    std::byte* data(std::uint32_t slot) noexcept {
        return &memory_[std::size_t{slot} * kSlotBytes];
    }

private:
    std::unique_ptr<std::byte[]> memory_;
    std::vector<std::uint32_t> free_;
};

struct ReceivedFrame {
    std::uint32_t slot;
    std::uint32_t
        bytes; ///< length on the wire; above FramePool::kSlotBytes the frame was cut short
    std::int64_t arrival_ns; ///< monotonic
};

struct OutgoingFrame {
    std::uint32_t slot;
    std::uint32_t bytes;
};

class FrameSocket {
public:
    static constexpr std::size_t kBatch = 64;

    /// Opens on `interface`; throws std::system_error. `send_fast` bypasses the interface's
    /// queueing discipline.
    FrameSocket(const std::string& interface, FramePool& pool, bool send_fast = true);
    ~FrameSocket();
    FrameSocket(const FrameSocket&) = delete;
    FrameSocket& operator=(const FrameSocket&) = delete;

    int fd() const { return fd_; }
    /// Up to kBatch frames into slots that then belong to the caller; the array is valid until the
    /// next call. `realtime_offset_ns`: monotonic minus real time, to turn the kernel's stamps.
    std::size_t receive(std::array<ReceivedFrame, kBatch>& frames, std::int64_t realtime_offset_ns);
    /// Sends in order; returns how many could not be sent. Slots stay the caller's.
    std::size_t send(const OutgoingFrame* frames, std::size_t count);
    /// Frames the kernel dropped on this socket since the last call.
    std::uint64_t take_kernel_drops();

private:
    struct Control {
        alignas(std::size_t) std::byte bytes[64];
    };

    FramePool& pool_;
    int fd_ = -1;
    std::array<std::uint32_t, kBatch> slots_{};
    std::array<mmsghdr, kBatch> in_{};
    std::array<iovec, kBatch> in_vectors_{};
    std::array<Control, kBatch> control_{};
    std::array<mmsghdr, kBatch> out_{};
    std::array<iovec, kBatch> out_vectors_{};
    std::size_t ready_slots_ = 0;
};

} // namespace foregate::lab
