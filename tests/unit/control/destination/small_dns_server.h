// SPDX-License-Identifier: BSD-3-Clause
// A DNS server for tests: answers on a loopback UDP port from a table, on a thread of its own.
#pragma once

#include "dataplane/packet/ip_address.h"

#include <arpa/inet.h>
#include <atomic>
#include <cstring>
#include <map>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace foregate::control {

class SmallDnsServer {
public:
    struct Zone {
        std::vector<dataplane::IpAddress> addresses;
        std::uint32_t ttl_s = 60;
        std::string alias; ///< the addresses belong to this name, a CNAME leads there
    };
    enum class Mood { answer, servfail, silent };

    /// The table does not change while it runs. `soa_minimum`: in negative answers; 0: without SOA.
    SmallDnsServer(std::map<std::string, Zone> zones, std::uint32_t soa_minimum = 0,
                   Mood mood = Mood::answer)
        : zones_(std::move(zones)), soa_minimum_(soa_minimum), mood_(mood) {
        fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        ok_ = ::bind(fd_, reinterpret_cast<sockaddr*>(&at), size) == 0 &&
              ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) == 0;
        port_ = ntohs(at.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~SmallDnsServer() {
        stop_ = true;
        thread_.join();
        ::close(fd_);
    }
    SmallDnsServer(const SmallDnsServer&) = delete;
    SmallDnsServer& operator=(const SmallDnsServer&) = delete;

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] unsigned questions() const { return questions_; }

private:
    using Bytes = std::vector<std::uint8_t>;

    static void put16(Bytes& out, std::uint32_t v) {
        out.push_back(static_cast<std::uint8_t>(v >> 8));
        out.push_back(static_cast<std::uint8_t>(v));
    }
    static void put32(Bytes& out, std::uint32_t v) {
        put16(out, v >> 16);
        put16(out, v & 0xffff);
    }
    static void put_name(Bytes& out, const std::string& name) {
        std::size_t from = 0;
        while (from < name.size()) {
            const std::size_t dot = std::min(name.find('.', from), name.size());
            out.push_back(static_cast<std::uint8_t>(dot - from));
            out.insert(out.end(), name.begin() + static_cast<std::ptrdiff_t>(from),
                       name.begin() + static_cast<std::ptrdiff_t>(dot));
            from = dot + 1;
        }
        out.push_back(0);
    }
    static void put_record(Bytes& out, const std::string& name, std::uint32_t type,
                           std::uint32_t ttl, const Bytes& data) {
        put_name(out, name);
        put16(out, type);
        put16(out, 1);
        put32(out, ttl);
        put16(out, static_cast<std::uint32_t>(data.size()));
        out.insert(out.end(), data.begin(), data.end());
    }

    [[nodiscard]] Bytes reply_to(const Bytes& query) const {
        std::string name;
        std::size_t at = 12;
        while (at < query.size() && query[at] != 0) {
            name += (name.empty() ? "" : ".") +
                    std::string(query.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                                query.begin() + static_cast<std::ptrdiff_t>(at) + 1 + query[at]);
            at += query[at] + 1U;
        }
        const std::size_t question_end = at + 5;
        const unsigned type = query[at + 2];
        const auto zone = zones_.find(name);
        Bytes answers, authority;
        unsigned count = 0;
        if (zone != zones_.end() && mood_ == Mood::answer) {
            std::string owner = name;
            if (!zone->second.alias.empty()) {
                Bytes target;
                put_name(target, zone->second.alias);
                put_record(answers, name, 5, zone->second.ttl_s, target);
                owner = zone->second.alias;
                ++count;
            }
            for (const auto& a : zone->second.addresses) {
                if (a.is_v4() == (type == 1)) {
                    put_record(answers, owner, type, zone->second.ttl_s,
                               a.is_v4() ? Bytes(a.v4_wire(), a.v4_wire() + 4)
                                         : Bytes(a.bytes.begin(), a.bytes.end()));
                    ++count;
                }
            }
        }
        if (count == 0 && soa_minimum_ != 0) {
            Bytes soa;
            put_name(soa, "ns.lab");
            put_name(soa, "root.lab");
            for (const std::uint32_t v : {1U, 3600U, 600U, 86400U, soa_minimum_}) {
                put32(soa, v);
            }
            put_record(authority, "lab", 6, 3600, soa);
        }
        Bytes out(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(question_end));
        const unsigned rcode = mood_ == Mood::servfail ? 2U : zone == zones_.end() ? 3U : 0U;
        out[2] = 0x81;
        out[3] = static_cast<std::uint8_t>(0x80 | rcode);
        out[6] = 0;
        out[7] = static_cast<std::uint8_t>(count);
        out[8] = 0;
        out[9] = authority.empty() ? 0 : 1;
        out[10] = out[11] = 0;
        out.insert(out.end(), answers.begin(), answers.end());
        out.insert(out.end(), authority.begin(), authority.end());
        return out;
    }

    void serve() {
        while (!stop_) {
            pollfd p{fd_, POLLIN, 0};
            if (::poll(&p, 1, 20) <= 0) {
                continue;
            }
            Bytes query(1500);
            sockaddr_storage from{};
            socklen_t size = sizeof from;
            const ssize_t n = ::recvfrom(fd_, query.data(), query.size(), 0,
                                         reinterpret_cast<sockaddr*>(&from), &size);
            if (n < 17) {
                continue;
            }
            ++questions_;
            if (mood_ == Mood::silent) {
                continue;
            }
            query.resize(static_cast<std::size_t>(n));
            const Bytes reply = reply_to(query);
            (void)::sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from),
                           size);
        }
    }

    std::map<std::string, Zone> zones_;
    std::uint32_t soa_minimum_;
    Mood mood_;
    int fd_ = -1;
    bool ok_ = false;
    std::uint16_t port_ = 0;
    std::atomic<bool> stop_{false};
    std::atomic<unsigned> questions_{0};
    std::thread thread_;
};

} // namespace foregate::control
