// SPDX-License-Identifier: BSD-3-Clause
// The kernel's view of the twins: sets their addresses and routes, and follows routes and neighbours by netlink.
#pragma once

#include "control/config/config.h"
#include "dataplane/tables/route_table.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

struct mnl_socket;
struct nlmsghdr;

namespace foregate::control {

/// A twin as the kernel knows it, with what the config wants on it.
struct TwinInterface {
    unsigned index = 0;      ///< kernel interface number
    std::uint16_t port = 0;  ///< foregate's port number
    std::string name;
    std::vector<IpPrefix> addresses;
    std::vector<RouteConfig> routes;
};

/// Control thread only. Errors of the kernel throw std::runtime_error at start; later ones are counted.
class KernelMirror {
public:
    /// Makes the host forward on the twins, sets addresses and routes (existing equal ones are fine), reads all tables.
    explicit KernelMirror(std::vector<TwinInterface> twins);
    ~KernelMirror();
    KernelMirror(const KernelMirror&) = delete;
    KernelMirror& operator=(const KernelMirror&) = delete;

    /// For an interface whose frames the kernel sees beside a packet socket of ours (AF_PACKET ports): it must neither
    /// forward nor answer them, or there would be duplicates and resets.
    static void silence_interface(const std::string& interface);

    /// Becomes readable when the kernel has news.
    [[nodiscard]] int fd() const noexcept;
    /// Reads the news; true when the route table has changed. Reads everything anew after an overrun.
    bool update();
    [[nodiscard]] std::shared_ptr<const dataplane::RouteTable> table() const;
    /// Asks the kernel to confirm neighbours it has not heard of lately; call it every few seconds.
    void refresh_stale();

    [[nodiscard]] std::size_t route_count() const noexcept { return routes_.size(); }
    [[nodiscard]] std::size_t neighbour_count() const noexcept { return neighbours_.size(); }
    [[nodiscard]] std::uint64_t overruns() const noexcept { return overruns_; }

private:
    struct CloseSocket {
        void operator()(mnl_socket* socket) const noexcept;
    };
    using Socket = std::unique_ptr<mnl_socket, CloseSocket>;
    struct RouteKey {
        IpPrefix to;
        unsigned interface;
        std::uint32_t metric;
        auto operator<=>(const RouteKey&) const = default;
    };
    struct Neighbour {
        dataplane::MacAddress mac{};
        std::uint16_t state = 0;
        unsigned interface = 0;
    };

    void prepare_host();
    void add_address(const TwinInterface& twin, const IpPrefix& address);
    void add_route(const TwinInterface& twin, const RouteConfig& route);
    void dump();
    void dump_one(std::uint16_t type, std::uint8_t family);
    void use_neighbour(const IpAddress& address, unsigned interface);
    void request(nlmsghdr* message, const std::string& what, bool exists_is_fine);
    void learn(const nlmsghdr* message);
    void learn_route(const nlmsghdr* message);
    void learn_neighbour(const nlmsghdr* message);
    void learn_address(const nlmsghdr* message);
    [[nodiscard]] const TwinInterface* twin(unsigned interface) const;
    static int on_message(const nlmsghdr* message, void* self);

    std::vector<TwinInterface> twins_;
    Socket monitor_;
    Socket requests_;
    std::uint32_t sequence_ = 1;
    std::map<RouteKey, dataplane::Route> routes_;
    std::map<std::pair<IpAddress, unsigned>, Neighbour> neighbours_;
    std::map<std::pair<IpAddress, unsigned>, bool> own_;
    bool changed_ = false;
    std::uint64_t overruns_ = 0;
};

} // namespace foregate::control
