// SPDX-License-Identifier: BSD-3-Clause
#include "control/hold/syn_templates.h"

#include <algorithm>

namespace foregate::control {

using dataplane::SynTemplate;

namespace {

constexpr std::uint16_t kTcpOverV4 = 40; ///< IP and TCP headers
constexpr std::uint16_t kTcpOverV6 = 60;
constexpr std::uint16_t kLeastMss = 536;

std::uint16_t least_mtu(const Config& config, PortRole role) {
    std::uint16_t least = 0;
    for (const PortConfig& port : config.ports) {
        if (port.role == role) {
            least = least == 0 ? port.mtu : std::min(least, port.mtu);
        }
    }
    return least == 0 ? std::uint16_t{1500} : least;
}

} // namespace

SynTemplate default_syn(GuestSystem guest) noexcept {
    SynTemplate syn;
    syn.mss = 1460;
    syn.sack_permitted = true;
    syn.dont_fragment = true;
    const bool windows = guest == GuestSystem::windows_guest;
    syn.window_scale = windows ? 8 : 7;
    syn.timestamps = !windows;
    syn.order = windows ? dataplane::OptionOrder::windows_like : dataplane::OptionOrder::linux_like;
    syn.ttl = windows ? 127 : 63;
    return syn;
}

bool syn_outdated(const SynTemplate& opened, const SynTemplate& now) noexcept {
    return opened.mss > now.mss || opened.window_scale != now.window_scale ||
           opened.timestamps != now.timestamps || opened.sack_permitted != now.sack_permitted;
}

SynTemplates::SynTemplates(const Config& config)
    : inner_mtu_(least_mtu(config, PortRole::desktop)),
      upstream_mtu_(least_mtu(config, PortRole::upstream)) {
    for (const ClassConfig& usage_class : config.classes) {
        guests_.push_back(usage_class.guest);
    }
    by_class_.resize(guests_.size());
}

/// The report does not say its family; an MSS of exactly MTU - 60 is that of IPv6. Should it be
/// IPv4's after all (of a smaller MTU), IPv6 announces 20 bytes too much, and the splicer falls
/// back to the desktop's own connection.
void SynTemplates::take(Learned& known, const SynTemplate& syn) const {
    known.syn = syn;
    (syn.mss + kTcpOverV6 == inner_mtu_ ? known.mss_v6 : known.mss_v4) = syn.mss;
}

void SynTemplates::learn(const dataplane::SynLearned& report) {
    if (report.syn.mss < kLeastMss || report.syn.ttl == 0) {
        return;
    }
    take(by_desktop_[report.desktop], report.syn);
    if (report.usage_class < by_class_.size()) {
        auto& of_class = by_class_[report.usage_class];
        take(of_class ? *of_class : of_class.emplace(), report.syn);
    }
}

SynKnown SynTemplates::known(std::uint32_t desktop, std::uint16_t class_index) const {
    if (by_desktop_.contains(desktop)) {
        return SynKnown::own;
    }
    return class_index < by_class_.size() && by_class_[class_index] ? SynKnown::of_class
                                                                    : SynKnown::guess;
}

SynTemplate SynTemplates::of(std::uint32_t desktop, std::uint16_t class_index, bool is_v6) const {
    Learned best;
    switch (known(desktop, class_index)) {
    case SynKnown::own:
        best = by_desktop_.at(desktop);
        break;
    case SynKnown::of_class:
        best = *by_class_[class_index];
        break;
    case SynKnown::guess:
        best.syn = default_syn(class_index < guests_.size() ? guests_[class_index]
                                                            : GuestSystem::windows_guest);
        best.mss_v4 = best.syn.mss;
        break;
    }
    SynTemplate syn = best.syn;
    if (is_v6) {
        syn.mss = best.mss_v6 != 0 ? best.mss_v6 : static_cast<std::uint16_t>(best.mss_v4 - 20);
    } else {
        syn.mss = best.mss_v4 != 0 ? best.mss_v4 : best.mss_v6;
    }
    const int room = std::max<int>(upstream_mtu_ - (is_v6 ? kTcpOverV6 : kTcpOverV4), kLeastMss);
    syn.mss = static_cast<std::uint16_t>(std::min<int>(syn.mss, room));
    return syn;
}

} // namespace foregate::control
