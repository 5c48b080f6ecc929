// SPDX-License-Identifier: BSD-3-Clause
// A datagram of GTP's user plane: the payload found lies within the datagram.
#include "dataplane/classify/gtp_payload.h"

#include <cstdlib>

using namespace foregate::dataplane;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    GtpPayload gtp;
    if (!parse_gtp_payload({data, size}, gtp)) {
        return gtp.payload.empty() ? 0 : (std::abort(), 0);
    }
    const bool within = gtp.payload.data() >= data && gtp.payload.data() + gtp.payload.size() <= data + size;
    if (!within || (gtp.protocol != 6 && gtp.protocol != 17)) {
        std::abort();
    }
    return 0;
}
