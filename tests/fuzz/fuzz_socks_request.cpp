// SPDX-License-Identifier: BSD-3-Clause
// A SOCKS client's stream: a name where there is one, and none that breaks a line.
#include "dataplane/classify/socks_request.h"

#include <cstdlib>

using namespace foregate::dataplane;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    SocksRequest request;
    const SocksResult result = parse_socks_request({data, size}, request);
    require(result == SocksResult::found || request.host.empty());
    require(request.host.length <= kMaxNameLength);
    require(request.host.view().find('\n') == std::string_view::npos);
    require(size == 0 || data[0] == 4 || data[0] == 5 || result == SocksResult::not_socks);
    return 0;
}
