// SPDX-License-Identifier: BSD-3-Clause
// Keeps the access lists in force: publishes them to the workers, follows DNS for their names, and answers for what the
// gateway opens itself by the same table. Control thread only.
#pragma once

#include "control/access/known_names.h"
#include "control/publisher.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace foregate::control {

class AccessControl {
public:
    explicit AccessControl(const Config& config);

    /// The workers' first table; nothing where nothing is denied.
    void publish(Publisher& publisher);
    /// A DNS answer, whoever asked.
    void learn(std::string_view name, std::span<const IpAddress> addresses, std::uint32_t ttl_s, SteadyTime now) {
        names_.learn(name, addresses, ttl_s, now);
    }
    static constexpr std::chrono::milliseconds kPublishInterval{50};
    /// Publishes anew when DNS has changed what a rule's name stands for: a worker waits 150 ms for that, so call it
    /// in every turn.
    void tick(Publisher& publisher, SteadyTime now);

    /// Why the gateway may not connect to the destination for a desktop of the class: the rule's text, or "default deny".
    /// nullopt: it may. `server`: the address that would be used.
    [[nodiscard]] std::optional<std::string> why_denied(std::uint16_t class_index, const std::string& destination,
                                                        const IpAddress& server) const;
    /// The words of a rule that a worker has reported.
    [[nodiscard]] std::string rule_text(std::uint16_t usage_class, std::uint16_t rule) const;

    [[nodiscard]] const std::vector<AccessListInForce>& lists() const noexcept { return lists_; }
    [[nodiscard]] const KnownNames& names() const noexcept { return names_; }
    [[nodiscard]] bool in_use() const noexcept { return in_use_; }

private:
    [[nodiscard]] const AccessListInForce& list_of(std::uint16_t usage_class) const;

    const std::vector<AccessListInForce> lists_;
    const bool in_use_;
    KnownNames names_;
    std::shared_ptr<const dataplane::AccessLists> compiled_;
    dataplane::AccessTable own_; ///< the control core's own questions: what is in force for the workers
    std::uint64_t published_ = 0;
    SteadyTime published_at_{}, expired_at_{};
};

} // namespace foregate::control
