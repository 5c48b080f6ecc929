// SPDX-License-Identifier: BSD-3-Clause
// Names of multicast DNS, LLMNR and NetBIOS.
#include "dataplane/classify/local_name.h"

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
    LocalName dns;
    require(parse_multicast_dns(bytes, dns) == !dns.name.empty());
    require(dns.name.view().find('\n') == std::string_view::npos);
    LocalName netbios;
    const bool read = parse_netbios_name(bytes, netbios);
    require(read || netbios.name.empty());
    require(netbios.name.length < 16);
    require(!read || !dns.name.empty());
    return 0;
}
