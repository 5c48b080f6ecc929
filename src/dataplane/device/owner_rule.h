// SPDX-License-Identifier: BSD-3-Clause
// Which worker a flow belongs to: the one rule that the network interfaces, the workers and the control core agree on.
#pragma once

#include "dataplane/flow.h"
#include "dataplane/packet/toeplitz.h"

#include <cstdint>

namespace foregate::dataplane {

/// A function of the two addresses alone, the same for both directions. Immutable; any thread.
class OwnerRule {
public:
    /// Buckets of the hash that an interface's redirection table is filled by: each goes to one worker, in turn. Tables
    /// have at least this many entries and a multiple of it.
    static constexpr unsigned kBuckets = 64;

    /// Where no interface chooses: by a hash under a secret seed, so that nobody outside can aim at one worker.
    static OwnerRule by_seed(unsigned workers, std::uint64_t seed) noexcept { return {workers, seed, false}; }
    /// As interfaces choose that have taken the symmetric key and our redirection table.
    static OwnerRule by_interface(unsigned workers) noexcept { return {workers, 0, true}; }

    [[nodiscard]] unsigned owner(const IpAddress& a, const IpAddress& b) const noexcept {
        return by_interface_ ? owner_of_bucket(toeplitz_(a, b), workers_)
                             : static_cast<unsigned>(address_pair_hash(a, b, seed_) % workers_);
    }
    [[nodiscard]] bool is_by_interface() const noexcept { return by_interface_; }
    [[nodiscard]] unsigned workers() const noexcept { return workers_; }

    [[nodiscard]] static unsigned owner_of_bucket(std::uint32_t hash, unsigned workers) noexcept {
        return hash % kBuckets % workers;
    }

private:
    OwnerRule(unsigned workers, std::uint64_t seed, bool by_interface) noexcept
        : workers_(workers == 0 ? 1 : workers), seed_(seed), by_interface_(by_interface) {}

    unsigned workers_;
    std::uint64_t seed_;
    bool by_interface_;
    SymmetricToeplitz toeplitz_;
};

} // namespace foregate::dataplane
