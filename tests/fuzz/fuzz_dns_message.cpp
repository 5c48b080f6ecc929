// SPDX-License-Identifier: BSD-3-Clause
// DNS over UDP and TCP, and the reply that is made of a query.
#include "dataplane/classify/dns_message.h"

#include <array>
#include <cstdlib>
#include <span>

using namespace foregate::dataplane;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void check_name(const NameBuffer& name) {
    require(name.length <= kMaxNameLength);
    require(name.view().find('\n') == std::string_view::npos);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(data, size);
    DnsMessage message;
    const DnsResult result = parse_dns_message(bytes, message);
    require(result != DnsResult::incomplete);
    require(message.address_count <= DnsMessage::kMaxAddresses);
    require(message.alias_count <= DnsMessage::kMaxAliases);
    require(message.service_count <= DnsMessage::kMaxServices);
    check_name(message.name);
    for (std::size_t i = 0; i < message.alias_count; ++i) {
        check_name(message.aliases[i]);
        require(!message.aliases[i].empty());
    }
    for (std::size_t i = 0; i < message.service_count; ++i) {
        check_name(message.services[i].target);
        require(message.services[i].priority != 0);
    }

    std::array<std::uint8_t, 1024> reply;
    const std::size_t reply_size = build_nxdomain_reply(bytes, reply);
    require((reply_size > 0) == (result == DnsResult::query));
    if (reply_size > 0) {
        DnsMessage again;
        require(parse_dns_message(std::span(reply).first(reply_size), again) == DnsResult::answer);
        require(again.name.view() == message.name.view() && again.id == message.id);
        require(again.rcode == 3 && again.address_count == 0);
    }
    std::size_t at = 0;
    for (std::size_t before = 0;; before = at) {
        const DnsResult next = parse_next_dns_tcp(bytes, at, message);
        check_name(message.name);
        require(at <= size && at >= before);
        if (next == DnsResult::incomplete || at == before) {
            break;
        }
    }
    return 0;
}
