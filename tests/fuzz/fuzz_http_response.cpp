// SPDX-License-Identifier: BSD-3-Clause
// An HTTP/1 response head: what was read of it stays when more bytes come.
#include "dataplane/classify/http_response.h"

#include <cstdlib>
#include <span>

using namespace foregate::dataplane;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(data, size);
    HttpResponse whole;
    const bool response = parse_http_response(bytes, whole);
    require(whole.status < 1000 && (response || whole.status == 0));
    HttpResponse part;
    if (parse_http_response(bytes.first(size / 2), part)) {
        require(response && part.status == whole.status);
        require(part.server.empty() || part.server == whole.server);
        require(part.content_type.empty() || part.content_type == whole.content_type);
        require(!part.whole || whole.whole);
    }
    return 0;
}
