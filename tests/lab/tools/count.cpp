// SPDX-License-Identifier: BSD-3-Clause
// labprobe count: counts every IP packet an interface receives, per destination address and
// protocol. The lab's proof that nothing reached a host: a packet socket below the host's IP stack,
// so it also sees what the host itself would ignore. Neighbour discovery and ARP are not counted as
// packets to an address (they are the lab's own, not a desktop's).
#include <cstring>
#include <map>
#include <stdexcept>
#include <vector>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>

#include <csignal>

#include "clock.h"
#include "json_line.h"
#include "options.h"
#include "probe_commands.h"
#include "sockets.h"

namespace foregate::lab {
namespace {

const std::vector<OptionSpec> kOptions = {
    {"interface", "IFACE", std::nullopt, "where to count"},
    {"out", "PATH", "-", "file for the counts (SIGUSR1, exit)"},
};

struct Counts {
    std::uint64_t tcp = 0, tcp_syn = 0, udp = 0, icmp = 0, other = 0, bytes = 0;
    std::int64_t first_ns = 0, last_ns = 0;
};

using CountsByAddress = std::map<std::string, Counts>;

struct Headers {
    std::string destination;
    unsigned protocol = 0;
    std::size_t payload_at = 0; ///< first byte after the IP header (fixed header for IPv6)
};

/// Reads the IP header after the Ethernet header; false for anything that is not a whole IP header.
bool read_headers(const unsigned char* frame, std::size_t bytes, Headers& out) {
    if (bytes < 34) {
        return false;
    }
    const unsigned type = static_cast<unsigned>(frame[12] << 8 | frame[13]);
    char text[INET6_ADDRSTRLEN] = {};
    if (type == ETHERTYPE_IP) {
        inet_ntop(AF_INET, frame + 30, text, sizeof text);
        out = {text, frame[23], 14U + (frame[14] & 15U) * 4U};
        return true;
    }
    if (type == ETHERTYPE_IPV6 && bytes >= 54) {
        inet_ntop(AF_INET6, frame + 38, text, sizeof text);
        out = {text, frame[20], 54};
        return true;
    }
    return false;
}

bool is_neighbour_discovery(const unsigned char* frame, std::size_t bytes, const Headers& headers) {
    return headers.protocol == IPPROTO_ICMPV6 && bytes > headers.payload_at &&
           frame[headers.payload_at] >= 130 && frame[headers.payload_at] <= 143;
}

void count_frame(const unsigned char* frame, std::size_t bytes, std::size_t wire_bytes,
                 CountsByAddress& counts) {
    Headers headers;
    if (!read_headers(frame, bytes, headers) || is_neighbour_discovery(frame, bytes, headers)) {
        return;
    }
    Counts& to = counts[headers.destination];
    const bool tcp_whole = headers.protocol == IPPROTO_TCP && bytes > headers.payload_at + 13;
    const unsigned flags = tcp_whole ? frame[headers.payload_at + 13] : 0U;
    switch (headers.protocol) {
    case IPPROTO_TCP:
        to.tcp += 1;
        to.tcp_syn += (flags & 0x12U) == 0x02U ? 1 : 0;
        break;
    case IPPROTO_UDP:
        to.udp += 1;
        break;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        to.icmp += 1;
        break;
    default:
        to.other += 1;
    }
    to.bytes += wire_bytes;
    to.last_ns = monotonic_ns();
    to.first_ns = to.first_ns == 0 ? to.last_ns : to.first_ns;
}

Descriptor packet_socket(const std::string& interface) {
    const unsigned index = if_nametoindex(interface.c_str());
    Descriptor fd(socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    const int buffer_bytes = 16 << 20;
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(index);
    if (index == 0 || !fd ||
        setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 ||
        setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes) != 0 ||
        bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("cannot count on '" + interface + "': " + std::strerror(errno));
    }
    return fd;
}

std::string describe(const CountsByAddress& counts, std::uint64_t missed, std::uint64_t serial) {
    JsonLine by_address;
    for (const auto& [address, c] : counts) {
        by_address.add_raw(address, JsonLine()
                                        .add("packets", c.tcp + c.udp + c.icmp + c.other)
                                        .add("tcp", c.tcp)
                                        .add("tcp_syn", c.tcp_syn)
                                        .add("udp", c.udp)
                                        .add("icmp", c.icmp)
                                        .add("other", c.other)
                                        .add("bytes", c.bytes)
                                        .add("first_ns", c.first_ns)
                                        .add("last_ns", c.last_ns)
                                        .str());
    }
    return JsonLine()
        .add("serial", serial)
        .add("time_ns", monotonic_ns())
        .add("missed", missed)
        .add_raw("destinations", by_address.str())
        .str();
}

} // namespace

int run_count(std::span<char*> arguments) {
    const Options options("count", kOptions, arguments);
    if (options.help_shown()) {
        return 0;
    }
    const Descriptor signals = signal_descriptor();
    const Descriptor frames = packet_socket(options.text("interface"));
    CountsByAddress counts;
    std::uint64_t missed = 0;
    std::uint64_t serial = 0;
    write_line(options.text("out"), describe(counts, missed, serial));
    for (bool ending = false; !ending;) {
        pollfd waiting[] = {{frames.get(), POLLIN, 0}, {signals.get(), POLLIN, 0}};
        poll(waiting, 2, -1);
        unsigned char frame[256];
        // A truncated copy is enough: the headers tell all; MSG_TRUNC returns the real length.
        for (ssize_t got = 0; (got = recv(frames.get(), frame, sizeof frame, MSG_TRUNC)) > 0;) {
            const std::size_t length = static_cast<std::size_t>(got);
            count_frame(frame, std::min(length, sizeof frame), length, counts);
        }
        while (const int signal = next_signal(signals.get())) {
            tpacket_stats kernel{};
            socklen_t length = sizeof kernel;
            getsockopt(frames.get(), SOL_PACKET, PACKET_STATISTICS, &kernel, &length);
            missed += kernel.tp_drops;
            ending = ending || signal != SIGUSR1;
            write_line(options.text("out"), describe(counts, missed, ++serial));
        }
    }
    return 0;
}

} // namespace foregate::lab
