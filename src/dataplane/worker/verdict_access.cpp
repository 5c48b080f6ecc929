// SPDX-License-Identifier: BSD-3-Clause
// The part of the verdict that follows the classes' access lists. They speak of connections that desktops begin.
#include "dataplane/classify/http_request.h"
#include "dataplane/classify/tls_client_hello.h"
#include "dataplane/worker/stages.h"

namespace foregate::dataplane {

namespace {

/// From a DNS answer on the wire to the names in the workers' tables, with room to spare; less than a TCP sender waits
/// before it sends again (RFC 6298; 200 ms and more in practice).
constexpr std::uint32_t kNamesKnownMs = 150;
constexpr std::uint8_t kPayloadsForAName = 8; ///< a hello or a request may come in so many pieces
AccessTarget target_of(const BatchSlot& slot) noexcept {
    return {slot.flow->server(), slot.flow->server_port(), slot.parsed.protocol};
}

} // namespace

std::uint16_t VerdictStage::access_class(const Flow& flow) const noexcept {
    return flow.has_desktop ? usage_class_of(flow) : AccessLists::kNoClass;
}

/// The first packet, or the first since tables changed. A TCP connection whose name may yet allow it goes on, and so
/// does a flow that was allowed before, unless an address rule speaks against it.
bool VerdictStage::access_on_sight(BatchSlot& slot) noexcept {
    const Flow& flow = *slot.flow;
    const AccessTable* access = state_.generation->access.get();
    if (access == nullptr || !flow.begun_by_desktop) {
        return true;
    }
    FlowCold& cold = state_.flows.cold(flow);
    const bool name_may_come =
        slot.parsed.protocol == kProtoTcp || flow.verdict == FlowVerdict::allow || cold.named;
    const AccessAnswer answer = name_may_come ? access->on_sight(access_class(flow), target_of(slot))
                                              : access->without_name(access_class(flow), target_of(slot));
    if (!answer.denied()) {
        cold.named = cold.named || !name_may_come; // what needed no name of its own goes on, too
        return true;
    }
    if (!name_may_come && access_waits(slot)) {
        slot.flow->recheck = true;
        return false;
    }
    report_access(slot, answer.rule, DropReason::access_address, {});
    block(slot, DropReason::access_address);
    return false;
}

/// A flow that shows no name, and that a name could allow, comes right behind the DNS answer: the names of its address
/// may be on their way to here. Its packet is dropped without a verdict, and comes again.
bool VerdictStage::access_waits(BatchSlot& slot) noexcept {
    const Flow& flow = *slot.flow;
    const bool young = state_.now_ms() - state_.flows.cold(flow).created_ms < kNamesKnownMs;
    if (!young || state_.generation->access->on_sight(access_class(flow), target_of(slot)).denied()) {
        return false;
    }
    slot.drop(DropReason::access_wait);
    return true;
}

/// A flow that was denied for its address may be allowed now: DNS has named the address, or the rules have changed.
bool VerdictStage::access_lifts(BatchSlot& slot) noexcept {
    Flow& flow = *slot.flow;
    const AccessTable* access = state_.generation->access.get();
    if (state_.flows.cold(flow).blocked_for != DropReason::access_address) {
        return false;
    }
    if (access != nullptr) {
        const AccessAnswer answer = slot.is_tcp_syn() ? access->on_sight(access_class(flow), target_of(slot))
                                                      : access->without_name(access_class(flow), target_of(slot));
        if (answer.denied()) {
            return false;
        }
    }
    flow.verdict = FlowVerdict::undecided;
    flow.reset_sent = false;
    state_.flows.cold(flow).inspected = 0;
    return true;
}

/// A payload of an undecided connection that only a name could allow, and that is no beginning of a hello or a request:
/// it does not have to be classified to the end before it is stopped. True when it goes no further.
bool VerdictStage::access_stops_nameless(BatchSlot& slot, std::span<const std::uint8_t> payload) noexcept {
    const Flow& flow = *slot.flow;
    const AccessTable* access = state_.generation->access.get();
    if (access == nullptr || flow.protocol != kProtoTcp || !flow.begun_by_desktop || !slot.from_desktop() ||
        state_.flows.cold(flow).named || !access->without_name(access_class(flow), target_of(slot)).denied()) {
        return false;
    }
    if (++state_.flows.cold(flow).inspected < kPayloadsForAName) {
        TlsClientHello hello;
        HttpRequest request;
        if (parse_tls_client_hello(payload, hello) == TlsResult::incomplete ||
            parse_http_request(payload, request) == HttpResult::incomplete) {
            return false;
        }
    }
    return !access_settles(slot);
}

/// The payloads that could have named the connection are through.
bool VerdictStage::access_settles(BatchSlot& slot) noexcept {
    const Flow& flow = *slot.flow;
    const AccessTable* access = state_.generation->access.get();
    if (access == nullptr || !flow.begun_by_desktop || state_.flows.cold(flow).named) {
        return true;
    }
    const AccessAnswer answer = access->without_name(access_class(flow), target_of(slot));
    if (!answer.denied()) {
        return true;
    }
    if (access_waits(slot)) {
        return false;
    }
    report_access(slot, answer.rule, DropReason::access_address, {});
    cut_short(slot);
    block(slot, DropReason::access_address);
    return false;
}

bool VerdictStage::access_denies_name(BatchSlot& slot, std::string_view name) noexcept {
    const Flow& flow = *slot.flow;
    const AccessTable* access = state_.generation->access.get();
    if (access == nullptr || !flow.begun_by_desktop) {
        return false;
    }
    const AccessAnswer answer = access->by_name(access_class(flow), name, target_of(slot));
    if (!answer.denied()) {
        state_.flows.cold(flow).named = true;
        return false;
    }
    report_access(slot, answer.rule, DropReason::access_name, name);
    if (flow.protocol == kProtoTcp) {
        cut_short(slot);
    }
    block(slot, DropReason::access_name);
    return true;
}

bool VerdictStage::access_denies_question(BatchSlot& slot, std::string_view name) noexcept {
    const AccessTable* access = state_.generation->access.get();
    if (access == nullptr) {
        return false;
    }
    const auto rule = access->denies_question(access_class(*slot.flow), name);
    if (rule) {
        report_access(slot, *rule, DropReason::access_name, name);
    }
    return rule.has_value();
}

/// A question over UDP is answered; one over TCP ends its connection.
bool VerdictStage::access_denies_tcp_question(BatchSlot& slot, std::string_view name) noexcept {
    if (slot.flow->protocol != kProtoTcp || !access_denies_question(slot, name)) {
        return false;
    }
    cut_short(slot);
    block(slot, DropReason::access_name);
    return true;
}

void VerdictStage::report_access(const BatchSlot& slot, std::uint16_t rule, DropReason where,
                                 std::string_view name) noexcept {
    const Flow& flow = *slot.flow;
    state_.counters.add(Counter::access_denied);
    if (!state_.access_reports.admit(flow.desktop_address(), state_.settings.seed, state_.now_ns)) {
        return;
    }
    AccessDenied denied;
    denied.desktop = flow.desktop;
    denied.usage_class = access_class(flow);
    denied.desktop_address = flow.desktop_address();
    denied.server = flow.server();
    denied.desktop_port = flow.desktop_port();
    denied.server_port = flow.server_port();
    denied.protocol = slot.parsed.protocol;
    denied.app = flow.app;
    denied.where = where;
    denied.rule = rule;
    denied.question = where == DropReason::access_name && flow.server_port() == 53 && denied.protocol == kProtoUdp;
    copy_name(denied.name, name);
    state_.report(denied);
}

} // namespace foregate::dataplane
