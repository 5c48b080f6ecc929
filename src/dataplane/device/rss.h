// SPDX-License-Identifier: BSD-3-Clause
// Receive side scaling of a port: asked for on addresses only, with a symmetric key, and read back.
#pragma once

#include <array>
#include <cstdint>
#include <string>

struct rte_eth_conf;
struct rte_eth_dev_info;

namespace foregate::dataplane {

/// How a port's packets come to their workers.
struct PortSpread {
    bool symmetric = false; ///< the interface chooses the worker that owns the flow (where there is a queue for it)
    std::string text;       ///< for the log and `show ports`: what was set, or why the workers' rings do it
};

/// One for each port, while it is configured. Control core.
class RssSetup {
public:
    /// `queues` of the port serve `workers`.
    RssSetup(const rte_eth_dev_info& info, unsigned queues, unsigned workers);

    /// Before rte_eth_dev_configure(): what to ask for. `conf` points into this object.
    void ask(rte_eth_conf& conf) noexcept;
    /// The driver refused: ask again without the key.
    void ask_less(rte_eth_conf& conf) noexcept;
    /// After rte_eth_dev_start(): sets the redirection table and reads everything back.
    [[nodiscard]] PortSpread confirm(std::uint16_t port) const;

private:
    static constexpr std::size_t kLongestKey = 64;
    [[nodiscard]] std::string key_not_in_force(std::uint16_t port) const;
    [[nodiscard]] std::string table_not_in_force(std::uint16_t port) const;

    unsigned queues_;
    unsigned workers_;
    std::uint64_t hashed_;      ///< kinds of packets to hash by their addresses: what the driver offers of these
    std::uint16_t table_size_;
    std::size_t key_length_;
    std::string obstacle_;      ///< why the interface cannot do it; empty: not known yet
    std::array<std::uint8_t, kLongestKey> key_{};
};

} // namespace foregate::dataplane
