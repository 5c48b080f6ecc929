// SPDX-License-Identifier: BSD-3-Clause
#include "frame_socket.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <unistd.h>

namespace foregate::lab {

namespace {

constexpr int kReceiveBufferBytes = 32 << 20;

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void set_option(int fd, int level, int name, int value, const char* what) {
    if (setsockopt(fd, level, name, &value, sizeof value) != 0) {
        fail(what);
    }
}

std::int64_t arrival_of(msghdr& header, std::int64_t realtime_offset_ns) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
         part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SO_TIMESTAMPNS) {
            timespec stamp{};
            std::memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
            return std::int64_t{stamp.tv_sec} * 1'000'000'000 + stamp.tv_nsec + realtime_offset_ns;
        }
    }
    return 0;
}

} // namespace

FramePool::FramePool(std::uint32_t slots)
    : memory_(new std::byte[std::size_t{slots} *
                            kSlotBytes]) { // not zeroed: pages come when first used
    free_.reserve(slots);
    for (std::uint32_t slot = slots; slot > 0; --slot) {
        free_.push_back(slot - 1);
    }
}

bool FramePool::take(std::uint32_t& slot) noexcept {
    if (free_.empty()) {
        return false;
    }
    slot = free_.back();
    free_.pop_back();
    return true;
}

FrameSocket::FrameSocket(const std::string& interface, FramePool& pool, bool send_fast)
    : pool_(pool) {
    const unsigned index = if_nametoindex(interface.c_str());
    if (index == 0) {
        fail("interface '" + interface + "'");
    }
    fd_ = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                 0); // protocol 0: deaf until bound
    if (fd_ < 0) {
        fail("packet socket (needs CAP_NET_RAW)");
    }
    set_option(fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING");
    set_option(fd_, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBufferBytes, "SO_RCVBUFFORCE");
    set_option(fd_, SOL_SOCKET, SO_SNDBUFFORCE, kReceiveBufferBytes, "SO_SNDBUFFORCE");
    set_option(fd_, SOL_SOCKET, SO_TIMESTAMPNS, 1, "SO_TIMESTAMPNS");
    set_option(fd_, SOL_PACKET, PACKET_QDISC_BYPASS, send_fast ? 1 : 0, "PACKET_QDISC_BYPASS");
    packet_mreq promiscuous{};
    promiscuous.mr_ifindex = static_cast<int>(index);
    promiscuous.mr_type = PACKET_MR_PROMISC;
    if (setsockopt(fd_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) != 0) {
        fail("promiscuous mode on '" + interface + "'");
    }
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(index);
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fail("bind to '" + interface + "'");
    }
}

FrameSocket::~FrameSocket() {
    if (fd_ >= 0) {
        close(fd_);
    }
}

std::size_t FrameSocket::receive(std::array<ReceivedFrame, kBatch>& frames,
                                 std::int64_t realtime_offset_ns) {
    while (ready_slots_ < kBatch && pool_.take(slots_[ready_slots_])) {
        ++ready_slots_;
    }
    for (std::size_t i = 0; i < ready_slots_; ++i) {
        in_vectors_[i] = {pool_.data(slots_[i]), FramePool::kSlotBytes};
        in_[i].msg_hdr = msghdr{};
        in_[i].msg_hdr.msg_iov = &in_vectors_[i];
        in_[i].msg_hdr.msg_iovlen = 1;
        in_[i].msg_hdr.msg_control = control_[i].bytes;
        in_[i].msg_hdr.msg_controllen = sizeof control_[i].bytes;
    }
    const int got = ready_slots_ == 0
                        ? 0
                        : recvmmsg(fd_, in_.data(), static_cast<unsigned>(ready_slots_),
                                   MSG_DONTWAIT | MSG_TRUNC, nullptr);
    const std::size_t count = got > 0 ? static_cast<std::size_t>(got) : 0;
    for (std::size_t i = 0; i < count; ++i) {
        frames[i] = {slots_[i], in_[i].msg_len, arrival_of(in_[i].msg_hdr, realtime_offset_ns)};
    }
    std::memmove(slots_.data(), slots_.data() + count, (ready_slots_ - count) * sizeof slots_[0]);
    ready_slots_ -= count;
    return count;
}

std::size_t FrameSocket::send(const OutgoingFrame* frames, std::size_t count) {
    std::size_t failed = 0;
    std::size_t done = 0;
    while (done < count) {
        const std::size_t batch = std::min(count - done, kBatch);
        for (std::size_t i = 0; i < batch; ++i) {
            out_vectors_[i] = {pool_.data(frames[done + i].slot), frames[done + i].bytes};
            out_[i].msg_hdr = msghdr{};
            out_[i].msg_hdr.msg_iov = &out_vectors_[i];
            out_[i].msg_hdr.msg_iovlen = 1;
        }
        const int sent = sendmmsg(fd_, out_.data(), static_cast<unsigned>(batch), MSG_DONTWAIT);
        if (sent <= 0) { // the first frame of this batch was refused: give it up and go on
            ++failed;
            ++done;
        } else {
            done += static_cast<std::size_t>(sent);
        }
    }
    return failed;
}

std::uint64_t FrameSocket::take_kernel_drops() {
    tpacket_stats statistics{};
    socklen_t length = sizeof statistics;
    if (getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) != 0) {
        return 0;
    }
    return statistics.tp_drops;
}

} // namespace foregate::lab
