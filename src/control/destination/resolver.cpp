// SPDX-License-Identifier: BSD-3-Clause
#include "control/destination/resolver.h"

#include <algorithm>
#include <ares.h>
#include <ares_nameser.h>
#include <arpa/inet.h>
#include <cstring>
#include <netdb.h>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace foregate::control {

namespace {

constexpr std::uint32_t kLeastNegativeTtl = 5;
constexpr std::uint32_t kMostNegativeTtl = 30;
constexpr int kMostAddresses = 32;

struct Reply {
    std::vector<IpAddress> addresses;
    std::uint32_t ttl_s = 0; ///< the least of all
};

std::optional<Reply> read_addresses(const unsigned char* data, int length, bool is_v6) {
    Reply reply;
    reply.ttl_s = 0xffffffffU;
    int count = kMostAddresses;
    int status = ARES_SUCCESS;
    const auto take = [&](const IpAddress& address, int ttl) {
        reply.addresses.push_back(address);
        reply.ttl_s = std::min(reply.ttl_s, static_cast<std::uint32_t>(std::max(ttl, 0)));
    };
    if (is_v6) {
        ares_addr6ttl found[kMostAddresses];
        status = ares_parse_aaaa_reply(data, length, nullptr, found, &count);
        for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
            take(IpAddress::from_v6_wire(&found[i].ip6addr), found[i].ttl);
        }
    } else {
        ares_addrttl found[kMostAddresses];
        status = ares_parse_a_reply(data, length, nullptr, found, &count);
        for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
            take(IpAddress::from_v4_wire(&found[i].ipaddr), found[i].ttl);
        }
    }
    if (status == ARES_ENODATA) {
        return Reply{};
    }
    return status == ARES_SUCCESS ? std::optional<Reply>(std::move(reply)) : std::nullopt;
}

std::uint32_t be16(const unsigned char* p) {
    return static_cast<std::uint32_t>(p[0] << 8 | p[1]);
}
std::uint32_t be32(const unsigned char* p) {
    return be16(p) << 16 | be16(p + 2);
}

/// Length of the name at `at`; 0: broken.
long name_length(const unsigned char* at, const unsigned char* data, int length) {
    char* text = nullptr;
    long encoded = 0;
    if (ares_expand_name(at, data, length, &text, &encoded) != ARES_SUCCESS) {
        return 0;
    }
    ares_free_string(text);
    return encoded;
}

/// RFC 2308 section 5: the lesser of the SOA record's own TTL and its minimum field; kept within
/// our bounds.
std::uint32_t negative_ttl(const unsigned char* data, int length) {
    constexpr int kHeader = 12;
    if (data == nullptr || length < kHeader) {
        return kLeastNegativeTtl;
    }
    const unsigned char* at = data + kHeader;
    const unsigned char* const end = data + length;
    const std::uint32_t questions = be16(data + 4);
    const std::uint32_t records = be16(data + 6) + be16(data + 8);
    for (std::uint32_t i = 0; i < questions + records; ++i) {
        const long name = at < end ? name_length(at, data, length) : 0;
        const long fixed = i < questions ? 4 : 10;
        if (name == 0 || end - at < name + fixed) {
            break;
        }
        at += name + fixed;
        if (i < questions) {
            continue;
        }
        const std::uint32_t type = be16(at - 10);
        const std::uint32_t ttl = be32(at - 6);
        const auto size = static_cast<std::ptrdiff_t>(be16(at - 2));
        if (end - at < size) {
            break;
        }
        if (type == 6 && size >= 20) { // SOA; its last field is the minimum
            return std::clamp(std::min(ttl, be32(at + size - 4)), kLeastNegativeTtl,
                              kMostNegativeTtl);
        }
        at += size;
    }
    return kLeastNegativeTtl;
}

} // namespace

struct Resolver::Impl {
    struct NameState {
        int open = 0;        ///< families not answered yet
        bool failed = false; ///< in this round
        unsigned failures = 0;
        SteadyTime not_before{};
    };
    struct Query {
        Impl* impl;
        std::string name;
        bool is_v6;
    };

    OnAnswer on_answer;
    ResolverSettings settings;
    ares_channel channel = nullptr;
    bool has_servers = false;
    bool ending = false;
    SteadyTime now{};
    std::unordered_map<int, short> sockets; ///< with the poll events c-ares waits for
    std::unordered_map<std::string, NameState> names;
    std::size_t outstanding = 0;
    ResolverCounts counts;

    Impl(const std::vector<IpAddress>& servers, OnAnswer answer, const ResolverSettings& s)
        : on_answer(std::move(answer)), settings(s) {
        if (const int status = ares_library_init(ARES_LIB_INIT_ALL); status != ARES_SUCCESS) {
            throw std::runtime_error(std::string("resolver: c-ares does not start: ") +
                                     ares_strerror(status));
        }
        try {
            open_channel();
            set_servers(servers);
        } catch (...) {
            close_all();
            throw;
        }
    }
    ~Impl() { close_all(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void open_channel() {
        ares_options options{};
        char nothing[] = "/dev/null"; // only the configured resolvers are asked
        options.resolvconf_path = nothing;
        options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
        options.timeout = static_cast<int>(settings.timeout.count());
        options.tries = settings.tries;
        options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
            static_cast<Impl*>(self)->socket_changed(fd, readable != 0, writable != 0);
        };
        options.sock_state_cb_data = this;
        const int status =
            ares_init_options(&channel, &options,
                              ARES_OPT_RESOLVCONF | ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS |
                                  ARES_OPT_TRIES | ARES_OPT_NOROTATE | ARES_OPT_SOCK_STATE_CB);
        if (status != ARES_SUCCESS) {
            channel = nullptr;
            throw std::runtime_error(std::string("resolver: no channel: ") + ares_strerror(status));
        }
    }

    void set_servers(const std::vector<IpAddress>& servers) {
        std::vector<ares_addr_port_node> nodes(servers.size());
        for (std::size_t i = 0; i < servers.size(); ++i) {
            nodes[i].next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
            nodes[i].family = servers[i].is_v4() ? AF_INET : AF_INET6;
            if (servers[i].is_v4()) {
                std::memcpy(&nodes[i].addr.addr4, servers[i].v4_wire(), 4);
            } else {
                std::memcpy(&nodes[i].addr.addr6, servers[i].bytes.data(), 16);
            }
            nodes[i].udp_port = nodes[i].tcp_port = settings.port;
        }
        has_servers = !nodes.empty();
        if (has_servers) {
            if (const int status = ares_set_servers_ports(channel, nodes.data());
                status != ARES_SUCCESS) {
                throw std::runtime_error(std::string("resolver: servers refused: ") +
                                         ares_strerror(status));
            }
        }
    }

    void close_all() {
        ending = true;
        if (channel != nullptr) {
            ares_destroy(channel);
            channel = nullptr;
        }
        ares_library_cleanup();
    }

    void socket_changed(int fd, bool readable, bool writable) {
        if (!readable && !writable) {
            sockets.erase(fd);
            return;
        }
        sockets[fd] = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    }

    void ask(const std::string& name) {
        if (!has_servers) {
            return;
        }
        if (names.size() > settings.most_outstanding * 4) {
            std::erase_if(names, [&](const auto& n) {
                return n.second.open == 0 && n.second.not_before + settings.most_backoff <= now;
            });
        }
        NameState& state = names[name];
        if (state.open != 0 || now < state.not_before || outstanding >= settings.most_outstanding) {
            return;
        }
        state.open = 2;
        state.failed = false;
        ++outstanding;
        ++counts.asked;
        for (const bool is_v6 :
             {false, true}) { // an error may come back at once, inside of the call
            auto query = std::make_unique<Query>(Query{this, name, is_v6});
            ares_query(channel, name.c_str(), ns_c_in, is_v6 ? ns_t_aaaa : ns_t_a, &Impl::answered,
                       query.release());
        }
    }

    static void answered(void* arg, int status, int, unsigned char* data, int length) {
        const std::unique_ptr<Query> query(static_cast<Query*>(arg));
        if (!query->impl->ending) {
            query->impl->take(*query, status, data, length);
        }
    }

    void take(const Query& query, int status, const unsigned char* data, int length) {
        std::optional<Reply> reply;
        if (status == ARES_SUCCESS) {
            reply = read_addresses(data, length, query.is_v6);
        } else if (status == ARES_ENOTFOUND || status == ARES_ENODATA) {
            reply = Reply{};
        }
        if (reply && reply->addresses.empty()) {
            reply->ttl_s = negative_ttl(data, length);
        }
        ++(reply ? counts.answered : counts.failed);
        finish(query.name, reply.has_value());
        if (reply) {
            on_answer(query.name, query.is_v6, reply->addresses, reply->ttl_s);
        }
    }

    void finish(const std::string& name, bool good) {
        const auto found = names.find(name);
        NameState& state = found->second;
        state.failed = state.failed || !good;
        if (--state.open != 0) {
            return;
        }
        --outstanding;
        if (!state.failed) {
            names.erase(found);
            return;
        }
        const auto pause = settings.least_backoff * (1LL << std::min(state.failures, 16U));
        state.not_before = now + std::min<SteadyTime::duration>(pause, settings.most_backoff);
        ++state.failures;
    }
};

Resolver::Resolver(const std::vector<IpAddress>& servers, OnAnswer on_answer,
                   const ResolverSettings& settings)
    : impl_(std::make_unique<Impl>(servers, std::move(on_answer), settings)) {}

Resolver::~Resolver() = default;

void Resolver::ask(const std::string& name, SteadyTime now) {
    impl_->now = std::max(impl_->now, now);
    impl_->ask(name);
}

void Resolver::add_poll_fds(std::vector<pollfd>& fds) const {
    for (const auto& [fd, events] : impl_->sockets) {
        fds.push_back(pollfd{fd, events, 0});
    }
}

int Resolver::timeout_ms() const {
    timeval until{};
    if (ares_timeout(impl_->channel, nullptr, &until) == nullptr) {
        return -1;
    }
    // c-ares cuts down to whole milliseconds: one more, or the last one would be spent spinning.
    return static_cast<int>(until.tv_sec * 1000 + until.tv_usec / 1000 + 1);
}

void Resolver::process(std::span<const pollfd> fds, SteadyTime now) {
    impl_->now = std::max(impl_->now, now);
    for (const pollfd& p : fds) {
        if (p.revents == 0 || !impl_->sockets.contains(p.fd)) {
            continue;
        }
        const bool readable = (p.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
        const bool writable = (p.revents & POLLOUT) != 0;
        ares_process_fd(impl_->channel, readable ? p.fd : ARES_SOCKET_BAD,
                        writable ? p.fd : ARES_SOCKET_BAD);
    }
    ares_process_fd(impl_->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); // the timeouts
}

std::size_t Resolver::outstanding() const noexcept {
    return impl_->outstanding;
}
const ResolverCounts& Resolver::counts() const noexcept {
    return impl_->counts;
}

} // namespace foregate::control
