// SPDX-License-Identifier: BSD-3-Clause
// Which names DNS has given to an address, as far as access rules speak of them: what a connection that shows no name is
// judged by. Control thread only; time is an argument.
#pragma once

#include "control/access/access_lists.h"
#include "control/session/session_table.h"

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace foregate::control {

class KnownNames {
public:
    static constexpr std::chrono::seconds kKept{3600}; ///< beyond the TTL, as programs keep addresses too
    static constexpr std::chrono::seconds kMostTtl{86400};
    static constexpr std::size_t kMostAddresses = 16384; ///< what comes beyond is left out, and counted

    explicit KnownNames(const std::vector<AccessListInForce>& lists);

    /// An answer to a question for `name`; of names that no rule speaks of nothing is kept.
    void learn(std::string_view name, std::span<const IpAddress> addresses, std::uint32_t ttl_s, SteadyTime now);
    void expire(SteadyTime now);

    /// Grows when a name or address came or went.
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
    [[nodiscard]] dataplane::NamesOfAddress by_address() const;
    [[nodiscard]] std::size_t size() const noexcept { return addresses_.size(); }
    [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }
    /// The names of allow rules, to be asked for before a desktop does: "db.example:5432" (port 0: any).
    [[nodiscard]] const std::vector<std::string>& to_ask() const noexcept { return to_ask_; }

private:
    [[nodiscard]] bool spoken_of(std::string_view name) const;

    std::set<std::string, std::less<>> names_;       ///< of rules that take what is below too
    std::set<std::string, std::less<>> exact_names_;
    std::vector<std::string> to_ask_;
    std::unordered_map<IpAddress, std::map<std::string, SteadyTime>, dataplane::IpAddressHash> addresses_;
    std::uint64_t version_ = 0;
    std::uint64_t left_out_ = 0;
};

} // namespace foregate::control
