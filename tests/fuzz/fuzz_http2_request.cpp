// SPDX-License-Identifier: BSD-3-Clause
// HTTP/2: input with the preface as it stands, without it as a header block. A host, once found,
// stays when more bytes come.
#include "dataplane/classify/hpack.h"
#include "dataplane/classify/http2_request.h"

#include <cstdlib>
#include <span>

using namespace foregate::dataplane;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void check_block(std::span<const std::uint8_t> bytes) {
    HpackBlock whole;
    const HpackResult result = whole.read(bytes);
    HpackBlock part;
    const HpackResult before = part.read(bytes.first(bytes.size() / 2));
    require(before != HpackResult::malformed || result == HpackResult::malformed);
    for (const HpackName name : {HpackName::authority, HpackName::method, HpackName::path}) {
        require(part.value(name).empty() || part.value(name) == whole.value(name));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(data, size);
    Http2Request whole;
    const Http2Result result = parse_http2_request(bytes, whole);
    require((result == Http2Result::found) == !whole.host.empty());
    require(whole.host.view().find('\n') == std::string_view::npos);
    if (result == Http2Result::not_http2) {
        check_block(bytes);
        return 0;
    }
    Http2Request part;
    const Http2Result before = parse_http2_request(bytes.first(size / 2), part);
    require(before == Http2Result::incomplete || before == result);
    require(before != Http2Result::found || part.host.view() == whole.host.view());
    return 0;
}
