// SPDX-License-Identifier: BSD-3-Clause
// A ClientHello: a verdict, once given, does not change when more bytes come.
#include "dataplane/classify/tls_client_hello.h"
#include "dataplane/classify/tls_records.h"

#include <cstdlib>
#include <span>

using namespace foregate::dataplane;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

using Parse = TlsResult (*)(std::span<const std::uint8_t>, TlsClientHello&) noexcept;

void check(Parse parse, std::span<const std::uint8_t> bytes) {
    TlsClientHello whole;
    const TlsResult result = parse(bytes, whole);
    require((result == TlsResult::found) == !whole.server_name.empty());
    require(whole.server_name.view().find('\n') == std::string_view::npos);
    require(result != TlsResult::none || whole.whole);
    require(whole.protocols.view().size() <= ProtocolList::kMaxBytes);

    TlsClientHello part;
    const TlsResult before = parse(bytes.first(bytes.size() / 2), part);
    require(before == TlsResult::incomplete || before == result);
    require(before != TlsResult::found || part.server_name.view() == whole.server_name.view());
    require(whole.protocols.view().starts_with(part.protocols.view()));
    require(!part.whole || whole.whole);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(data, size);
    check(parse_tls_client_hello, bytes);
    check(parse_tls_handshake, bytes);

    TlsClientHello datagram; // comes whole or not at all
    const TlsResult dtls = parse_dtls_client_hello(bytes, datagram);
    require((dtls == TlsResult::found) == !datagram.server_name.empty());
    require(dtls == TlsResult::not_tls || look_at_dtls_records(bytes) != RecordLook::none);

    TlsClientHello hello;
    if (size > 6 && parse_tls_client_hello(bytes, hello) == TlsResult::found) {
        require(!is_sslv2_hello(bytes));
    }
    static_cast<void>(look_at_tls_records(bytes));
    return 0;
}
