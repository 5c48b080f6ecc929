// SPDX-License-Identifier: BSD-3-Clause
// What the SYN of a held connection looks like for each desktop: as the desktop's own, as far as
// known. Control thread.
#pragma once

#include "control/config/config.h"
#include "dataplane/messages.h"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace foregate::control {

/// p0f's signatures of the two families of guests, behind one hop.
[[nodiscard]] dataplane::SynTemplate default_syn(GuestSystem guest) noexcept;
/// A desktop whose SYN is as `now` would not be spliced onto a connection opened with `opened`, or
/// not at its best.
[[nodiscard]] bool syn_outdated(const dataplane::SynTemplate& opened,
                                const dataplane::SynTemplate& now) noexcept;

/// Where a template comes from, the better the higher.
enum class SynKnown : std::uint8_t { guess, of_class, own };

class SynTemplates {
public:
    explicit SynTemplates(const Config& config);

    void learn(const dataplane::SynLearned& report);
    /// The desktop's own, else the latest of its class, else the default of the class's guest
    /// system; MSS for the family and no more than the upstream MTU allows.
    [[nodiscard]] dataplane::SynTemplate of(std::uint32_t desktop, std::uint16_t class_index,
                                            bool is_v6) const;

    [[nodiscard]] SynKnown known(std::uint32_t desktop, std::uint16_t class_index) const;

private:
    struct Learned {
        dataplane::SynTemplate syn{};
        std::uint16_t mss_v4 = 0, mss_v6 = 0; ///< 0: not seen
    };
    void take(Learned& known, const dataplane::SynTemplate& syn) const;

    std::vector<GuestSystem> guests_; ///< by class index
    std::uint16_t inner_mtu_ = 1500;
    std::uint16_t upstream_mtu_ = 1500;
    std::unordered_map<std::uint32_t, Learned> by_desktop_;
    std::vector<std::optional<Learned>> by_class_;
};

} // namespace foregate::control
