// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a capture file, every packet of it unwrapped and parsed.
#include "control/classify/capture_file.h"
#include "control/classify/unwrap.h"
#include "dataplane/packet/parse.h"

#include <stdexcept>
#include <vector>

using namespace foregate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        control::CaptureFile capture(std::vector<std::uint8_t>(data, data + size), "fuzz");
        control::CapturedPacket packet;
        control::Unwrapped unwrapped;
        dataplane::ParsedPacket parsed;
        while (capture.next(packet)) {
            if (control::unwrap(packet, true, unwrapped) == control::UnwrapResult::ip) {
                (void)dataplane::parse(unwrapped.frame.data(), static_cast<std::uint32_t>(unwrapped.frame.size()), parsed);
            }
        }
    } catch (const std::runtime_error&) { // no capture: said so
    }
    return 0;
}
