// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/splice/option_match.h"

namespace foregate::dataplane {

SpliceFallback match_options(const AgreedOptions& agreed, const TcpOptions& syn, bool ipv6,
                             std::uint16_t syn_window, std::uint32_t promised_bytes) noexcept {
    if (syn.malformed) {
        return SpliceFallback::malformed_options;
    }
    if (syn.md5 || syn.authentication) {
        return SpliceFallback::authentication;
    }
    const std::uint16_t mss = syn.mss == 0 ? default_mss(ipv6) : syn.mss;
    if (mss < agreed.announced_mss) {
        return SpliceFallback::mss_small; // the server may send segments the desktop cannot take
    }
    if (agreed.our_scale != kNoWindowScale && syn.window_scale != agreed.our_scale) {
        return SpliceFallback::window_scale;
    }
    if (agreed.timestamps && !syn.timestamps) {
        return SpliceFallback::no_timestamps;
    }
    if (agreed.sack && !syn.sack_permitted) {
        return SpliceFallback::no_sack;
    }
    if (syn_window < promised_bytes) {
        return SpliceFallback::window_small;
    }
    return SpliceFallback::none;
}

} // namespace foregate::dataplane
