// SPDX-License-Identifier: BSD-3-Clause
// A ClientHello: a verdict, once given, does not change when more bytes come.
#include "dataplane/classify/tls_client_hello.h"

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
    TlsClientHello whole;
    const TlsResult result = parse_tls_client_hello(bytes, whole);
    require((result == TlsResult::found) == !whole.server_name.empty());
    require(whole.server_name.view().find('\n') == std::string_view::npos);

    TlsClientHello part;
    const TlsResult before = parse_tls_client_hello(bytes.first(size / 2), part);
    require(before == TlsResult::incomplete || before == result);
    require(before != TlsResult::found || part.server_name.view() == whole.server_name.view());
    return 0;
}
