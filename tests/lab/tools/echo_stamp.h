// SPDX-License-Identifier: BSD-3-Clause
// What stands at the front of each echo request and response: the clocks of both ends are one clock
// in the lab.
#pragma once

#include <cstdint>

namespace foregate::lab {

struct EchoStamp {
    std::uint64_t number = 0;
    std::int64_t due_ns = 0;    ///< when the request was to be sent
    std::int64_t server_ns = 0; ///< when the server had read the whole request
};

} // namespace foregate::lab
