// SPDX-License-Identifier: BSD-3-Clause
#include "control/net/kernel_mirror.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdexcept>

namespace foregate::control {

namespace {

constexpr std::size_t kBufferBytes = 32768;
constexpr std::uint16_t kUsable = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;

std::uint8_t family_of(const IpAddress& a) { return a.is_v4() ? AF_INET : AF_INET6; }

void put_address(nlmsghdr* message, std::uint16_t type, const IpAddress& a) {
    mnl_attr_put(message, type, a.is_v4() ? 4 : 16, a.is_v4() ? a.v4_wire() : a.bytes.data());
}

IpAddress get_address(const nlattr* attribute, std::uint8_t family) {
    const void* payload = mnl_attr_get_payload(attribute);
    return family == AF_INET ? IpAddress::from_v4_wire(payload) : IpAddress::from_v6_wire(payload);
}

/// Attributes of a message by type; later ones win.
template <std::size_t N>
std::array<const nlattr*, N> attributes(const nlmsghdr* message, std::size_t header) {
    std::array<const nlattr*, N> out{};
    const auto* attribute = static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, header));
    const auto* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(message));
    while (mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)))) {
        if (mnl_attr_get_type(attribute) < N) {
            out[mnl_attr_get_type(attribute)] = attribute;
        }
        attribute = mnl_attr_next(attribute);
    }
    return out;
}

/// A kernel switch under /proc/sys/net; a host that forbids it says so once in the caller's log.
bool set_switch(const std::string& path, const char* value) {
    std::ofstream file("/proc/sys/net/" + path);
    file << value;
    file.flush();
    return file.good();
}

} // namespace

void KernelMirror::CloseSocket::operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }

KernelMirror::KernelMirror(std::vector<TwinInterface> twins)
    : twins_(std::move(twins)), monitor_(mnl_socket_open(NETLINK_ROUTE)), requests_(mnl_socket_open(NETLINK_ROUTE)) {
    const unsigned groups = RTMGRP_NEIGH | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_IFADDR |
                            RTMGRP_IPV6_IFADDR;
    if (!monitor_ || !requests_ || mnl_socket_bind(monitor_.get(), groups, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_bind(requests_.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
        throw std::runtime_error(std::string("netlink: ") + std::strerror(errno));
    }
    const int bytes = 1 << 20;
    ::setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    ::fcntl(fd(), F_SETFL, ::fcntl(fd(), F_GETFL) | O_NONBLOCK);
    prepare_host();
    for (const TwinInterface& interface : twins_) {
        for (const IpPrefix& address : interface.addresses) {
            add_address(interface, address);
        }
    }
    for (const TwinInterface& interface : twins_) {
        for (const RouteConfig& route : interface.routes) {
            add_route(interface, route);
        }
    }
    dump();
}

KernelMirror::~KernelMirror() = default;

int KernelMirror::fd() const noexcept { return mnl_socket_get_fd(monitor_.get()); }

void KernelMirror::prepare_host() {
    set_switch("ipv6/conf/all/forwarding", "1");
    set_switch("ipv4/conf/all/rp_filter", "0");
    for (const TwinInterface& interface : twins_) {
        const std::string four = "ipv4/conf/" + interface.name + "/";
        const std::string six = "ipv6/conf/" + interface.name + "/";
        // Forwarding for the first packets to an unresolved neighbour; packets of both sides come up either twin.
        if (!set_switch(four + "forwarding", "1")) {
            throw std::runtime_error("kernel twin " + interface.name + ": cannot enable forwarding in /proc/sys");
        }
        set_switch(four + "rp_filter", "0");
        set_switch(four + "send_redirects", "0");
        set_switch(four + "accept_redirects", "0");
        set_switch(six + "forwarding", "1");
        set_switch(six + "accept_dad", "0"); // the twin owns its addresses: they are there at once after a restart
        set_switch(six + "accept_ra", "0");
        set_switch(six + "accept_redirects", "0");
    }
}

void KernelMirror::silence_interface(const std::string& interface) {
    set_switch("ipv4/conf/" + interface + "/forwarding", "0");
    set_switch("ipv6/conf/" + interface + "/disable_ipv6", "1");
}

void KernelMirror::request(nlmsghdr* message, const std::string& what, bool exists_is_fine) {
    message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    message->nlmsg_seq = ++sequence_;
    std::array<char, kBufferBytes> buffer;
    bool ok = mnl_socket_sendto(requests_.get(), message, message->nlmsg_len) >= 0;
    if (ok) {
        const auto length = mnl_socket_recvfrom(requests_.get(), buffer.data(), buffer.size());
        ok = length > 0 && mnl_cb_run(buffer.data(), static_cast<std::size_t>(length), sequence_,
                                      mnl_socket_get_portid(requests_.get()), nullptr, nullptr) >= 0;
    }
    if (!ok && !(exists_is_fine && errno == EEXIST)) {
        throw std::runtime_error(what + ": " + std::strerror(errno));
    }
}

void KernelMirror::add_address(const TwinInterface& interface, const IpPrefix& address) {
    std::array<char, kBufferBytes> buffer{};
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = RTM_NEWADDR;
    message->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
    auto* header = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifaddrmsg)));
    header->ifa_family = family_of(address.address);
    header->ifa_prefixlen = address.length;
    header->ifa_index = interface.index;
    if (address.is_v4()) {
        put_address(message, IFA_LOCAL, address.address);
    } else {
        mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_NODAD);
    }
    put_address(message, IFA_ADDRESS, address.address);
    request(message, "address " + address.to_string() + " on " + interface.name, true);
}

void KernelMirror::add_route(const TwinInterface& interface, const RouteConfig& route) {
    std::array<char, kBufferBytes> buffer{};
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = RTM_NEWROUTE;
    message->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
    auto* header = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
    header->rtm_family = family_of(route.to.address);
    header->rtm_dst_len = route.to.length;
    header->rtm_table = RT_TABLE_MAIN;
    header->rtm_protocol = RTPROT_STATIC;
    header->rtm_scope = RT_SCOPE_UNIVERSE;
    header->rtm_type = RTN_UNICAST;
    if (route.to.length != 0) {
        put_address(message, RTA_DST, route.to.address);
    }
    put_address(message, RTA_GATEWAY, route.via);
    mnl_attr_put_u32(message, RTA_OIF, interface.index);
    request(message, "route " + route.to.to_string() + " via " + route.via.to_string() + " on " + interface.name, true);
}

void KernelMirror::dump() {
    routes_.clear();
    neighbours_.clear();
    own_.clear();
    for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
        dump_one(RTM_GETADDR, family);
        dump_one(RTM_GETROUTE, family);
        dump_one(RTM_GETNEIGH, family);
    }
    changed_ = true;
}

void KernelMirror::dump_one(std::uint16_t type, std::uint8_t family) {
    std::array<char, kBufferBytes> buffer{};
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message->nlmsg_seq = ++sequence_;
    auto* header = static_cast<rtgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
    header->rtgen_family = family;
    if (mnl_socket_sendto(requests_.get(), message, message->nlmsg_len) < 0) {
        throw std::runtime_error(std::string("netlink dump: ") + std::strerror(errno));
    }
    int status = MNL_CB_OK;
    while (status > MNL_CB_STOP) {
        const auto length = mnl_socket_recvfrom(requests_.get(), buffer.data(), buffer.size());
        if (length <= 0) {
            throw std::runtime_error(std::string("netlink dump: ") + std::strerror(errno));
        }
        status = mnl_cb_run(buffer.data(), static_cast<std::size_t>(length), sequence_,
                            mnl_socket_get_portid(requests_.get()), &KernelMirror::on_message, this);
    }
}

int KernelMirror::on_message(const nlmsghdr* message, void* self) {
    static_cast<KernelMirror*>(self)->learn(message);
    return MNL_CB_OK;
}

bool KernelMirror::update() {
    std::array<char, kBufferBytes> buffer;
    while (true) {
        const auto length = mnl_socket_recvfrom(monitor_.get(), buffer.data(), buffer.size());
        if (length < 0) {
            if (errno == ENOBUFS) { // the kernel had more news than room: read all of it again
                ++overruns_;
                dump();
                continue;
            }
            break;
        }
        if (length == 0) {
            break;
        }
        mnl_cb_run(buffer.data(), static_cast<std::size_t>(length), 0, 0, &KernelMirror::on_message, this);
    }
    return std::exchange(changed_, false);
}

const TwinInterface* KernelMirror::twin(unsigned interface) const {
    const auto found =
        std::find_if(twins_.begin(), twins_.end(), [&](const TwinInterface& t) { return t.index == interface; });
    return found == twins_.end() ? nullptr : &*found;
}

void KernelMirror::learn(const nlmsghdr* message) {
    switch (message->nlmsg_type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        learn_route(message);
        break;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        learn_neighbour(message);
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        learn_address(message);
        break;
    default:
        break;
    }
}

void KernelMirror::learn_route(const nlmsghdr* message) {
    const auto* header = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
    const auto by_type = attributes<RTA_MAX + 1>(message, sizeof(rtmsg));
    if (header->rtm_type != RTN_UNICAST || by_type[RTA_OIF] == nullptr ||
        (header->rtm_family != AF_INET && header->rtm_family != AF_INET6) || (header->rtm_flags & RTM_F_CLONED) != 0) {
        return;
    }
    const TwinInterface* interface = twin(mnl_attr_get_u32(by_type[RTA_OIF]));
    if (interface == nullptr) {
        return;
    }
    IpAddress to = header->rtm_family == AF_INET ? IpAddress::from_v4(0) : IpAddress{};
    if (by_type[RTA_DST] != nullptr) {
        to = get_address(by_type[RTA_DST], header->rtm_family);
    }
    const RouteKey key{IpPrefix{to, header->rtm_dst_len}, interface->index,
                       by_type[RTA_PRIORITY] != nullptr ? mnl_attr_get_u32(by_type[RTA_PRIORITY]) : 0};
    changed_ = true;
    if (message->nlmsg_type == RTM_DELROUTE) {
        routes_.erase(key);
        return;
    }
    dataplane::Route route;
    route.port = interface->port;
    if (by_type[RTA_GATEWAY] != nullptr) {
        route.has_gateway = true;
        route.gateway = get_address(by_type[RTA_GATEWAY], header->rtm_family);
    }
    routes_[key] = route;
}

void KernelMirror::learn_neighbour(const nlmsghdr* message) {
    const auto* header = static_cast<const ndmsg*>(mnl_nlmsg_get_payload(message));
    const auto by_type = attributes<NDA_MAX + 1>(message, sizeof(ndmsg));
    const auto interface = static_cast<unsigned>(header->ndm_ifindex);
    if (twin(interface) == nullptr || by_type[NDA_DST] == nullptr ||
        (header->ndm_family != AF_INET && header->ndm_family != AF_INET6)) {
        return;
    }
    const auto key = std::pair(get_address(by_type[NDA_DST], header->ndm_family), interface);
    const bool usable = message->nlmsg_type == RTM_NEWNEIGH && (header->ndm_state & kUsable) != 0 &&
                        by_type[NDA_LLADDR] != nullptr && mnl_attr_get_payload_len(by_type[NDA_LLADDR]) == 6;
    const auto found = neighbours_.find(key);
    if (!usable) {
        if (found != neighbours_.end()) {
            neighbours_.erase(found);
            changed_ = true;
        }
        return;
    }
    Neighbour neighbour;
    std::memcpy(neighbour.mac.data(), mnl_attr_get_payload(by_type[NDA_LLADDR]), 6);
    neighbour.state = header->ndm_state;
    neighbour.interface = interface;
    if (found == neighbours_.end() || found->second.mac != neighbour.mac) {
        changed_ = true;
    }
    neighbours_[key] = neighbour;
}

void KernelMirror::learn_address(const nlmsghdr* message) {
    const auto* header = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
    const auto by_type = attributes<IFA_MAX + 1>(message, sizeof(ifaddrmsg));
    const nlattr* address = by_type[IFA_LOCAL] != nullptr ? by_type[IFA_LOCAL] : by_type[IFA_ADDRESS];
    if (twin(header->ifa_index) == nullptr || address == nullptr) {
        return;
    }
    const auto key = std::pair(get_address(address, header->ifa_family), header->ifa_index);
    changed_ = true;
    if (message->nlmsg_type == RTM_NEWADDR) {
        own_[key] = true;
    } else {
        own_.erase(key);
    }
}

std::shared_ptr<const dataplane::RouteTable> KernelMirror::table() const {
    // Of equal prefixes the last one wins: the one with the best (lowest) metric has to come last.
    std::vector<std::pair<RouteKey, dataplane::Route>> sorted(routes_.begin(), routes_.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.first.metric > b.first.metric; });
    std::vector<std::pair<IpPrefix, dataplane::Route>> routes;
    for (const auto& [key, route] : sorted) {
        routes.emplace_back(key.to, route);
    }
    std::vector<IpAddress> own;
    for (const auto& [key, present] : own_) {
        own.push_back(key.first);
    }
    // The directed broadcast of each connected IPv4 network is the kernel's as well.
    for (const TwinInterface& interface : twins_) {
        for (const IpPrefix& address : interface.addresses) {
            if (address.is_v4() && address.length < 31) {
                own.push_back(IpAddress::from_v4(address.address.v4() | (0xffffffffU >> address.length)));
            }
        }
    }
    std::unordered_map<IpAddress, dataplane::MacAddress, dataplane::IpAddressHash> neighbours;
    for (const auto& [key, neighbour] : neighbours_) {
        neighbours[key.first] = neighbour.mac;
    }
    return std::make_shared<dataplane::RouteTable>(routes, own, std::move(neighbours));
}

void KernelMirror::use_neighbour(const IpAddress& address, unsigned interface) {
    std::array<char, kBufferBytes> buffer{};
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = RTM_NEWNEIGH;
    message->nlmsg_flags = NLM_F_CREATE;
    auto* header = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ndmsg)));
    header->ndm_family = family_of(address);
    header->ndm_ifindex = static_cast<int>(interface);
    header->ndm_flags = NTF_USE;
    put_address(message, NDA_DST, address);
    try {
        request(message, "neighbour", true);
    } catch (const std::runtime_error&) {
        // It may have gone meanwhile: the next packet to it goes through the kernel and asks again.
    }
}

void KernelMirror::refresh_stale() {
    for (const auto& [key, neighbour] : neighbours_) {
        if ((neighbour.state & NUD_STALE) != 0) {
            use_neighbour(key.first, key.second);
        }
    }
}

} // namespace foregate::control
