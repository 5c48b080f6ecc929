// SPDX-License-Identifier: BSD-3-Clause
// An HTTP/1 request head: a host, once found, stays when more bytes come.
#include "dataplane/classify/http_request.h"

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
    HttpRequest whole;
    const HttpResult result = parse_http_request(bytes, whole);
    require((result == HttpResult::found) == !whole.host.empty());
    require(whole.host.length <= kMaxNameLength && whole.other_host.length <= kMaxNameLength);
    require(whole.host.view().find('\n') == std::string_view::npos);
    require(result == HttpResult::not_http || result == HttpResult::incomplete || !whole.method.empty());

    require(result != HttpResult::none || whole.whole);

    HttpRequest part;
    const HttpResult before = parse_http_request(bytes.first(size / 2), part);
    require(before == HttpResult::incomplete || before == result);
    require(before != HttpResult::found || part.host.view() == whole.host.view());
    return 0;
}
