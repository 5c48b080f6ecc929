// SPDX-License-Identifier: BSD-3-Clause
// A TLS server's first messages: a verdict stays when more bytes come, and so does a name.
#include "dataplane/classify/tls_certificate.h"

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
    TlsCertificateNames whole;
    const TlsResult result = parse_tls_certificate(bytes, whole);
    require(result != TlsResult::found || whole.name_count > 0 || !whole.subject.empty());
    require(whole.name_count <= TlsCertificateNames::kMaxNames);
    for (std::size_t i = 0; i < whole.name_count; ++i) {
        require(!whole.names[i].empty());
        require(whole.names[i].view().find('\n') == std::string_view::npos);
    }
    TlsCertificateNames part;
    const TlsResult before = parse_tls_certificate(bytes.first(size / 2), part);
    require(before == TlsResult::incomplete || before == result);
    require(part.name_count <= whole.name_count);
    for (std::size_t i = 0; i < part.name_count; ++i) {
        require(part.names[i].view() == whole.names[i].view());
    }
    return 0;
}
