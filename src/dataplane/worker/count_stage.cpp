// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/stages.h"

namespace foregate::dataplane {

namespace {

void advance_tcp(Flow& flow, const BatchSlot& slot) noexcept {
    const std::uint8_t flags = slot.parsed.tcp_flags;
    if ((flags & tcp_rst) != 0) {
        flow.tcp = TcpPhase::closed;
    } else if ((flags & tcp_fin) != 0) {
        flow.tcp = flow.tcp == TcpPhase::closing && slot.from_low != flow.fin_from_low ? TcpPhase::closed
                                                                                       : TcpPhase::closing;
        flow.fin_from_low = slot.from_low;
    } else if (flow.tcp == TcpPhase::opening && (flags & tcp_syn) == 0 && flow.counted_answer) {
        flow.tcp = TcpPhase::established;
    } else if ((flags & (tcp_syn | tcp_ack)) == tcp_syn && flow.tcp == TcpPhase::closed) {
        flow.tcp = TcpPhase::opening;
    }
}

} // namespace

void CountStage::run(PacketBatch& batch) noexcept {
    for (BatchSlot& slot : batch) {
        if (slot.fate == Fate::pending && slot.flow->verdict != FlowVerdict::block) {
            count_one(slot);
        }
    }
}

void CountStage::count_one(BatchSlot& slot) noexcept {
    Flow& flow = *slot.flow;
    const std::uint64_t bytes = slot.parsed.ip_length;
    const unsigned direction = slot.from_low ? 0 : 1;
    if (++flow.packets[direction] == 0) [[unlikely]] {
        ++state_.flows.cold(flow).packets_high[direction];
    }
    flow.bytes[direction] += bytes;
    const bool up = slot.from_desktop();
    if (up != flow.begun_by_desktop && (slot.parsed.tcp_flags & tcp_rst) == 0) {
        flow.counted_answer = true;
    }
    constexpr std::uint8_t kEvents = tcp_syn | tcp_fin | tcp_rst;
    if (flow.protocol == kProtoTcp &&
        ((slot.parsed.tcp_flags & kEvents) != 0 || flow.tcp == TcpPhase::opening)) {
        advance_tcp(flow, slot);
    }
    if (!flow.has_desktop) {
        return;
    }
    DesktopCell& cell = state_.desktop_cell(flow.desktop);
    (up ? cell.bytes_up : cell.bytes_down).add(bytes);
    (up ? cell.packets_up : cell.packets_down).add(1);
    if (up && (flow.protocol != kProtoTcp || slot.parsed.payload_length > 1 || slot.is_tcp_syn())) {
        cell.last_activity_ms.set(state_.now_ms());
    }
    UsageCellData* usage = usage_cell(flow);
    if (usage == nullptr) {
        return;
    }
    if (!flow.counted_connection && flow.begun_by_desktop) {
        flow.counted_connection = true;
        usage->connections += 1;
        cell.connections.add(1);
    }
    (up ? usage->bytes_up : usage->bytes_down) += bytes;
    (up ? usage->packets_up : usage->packets_down) += 1;
}

UsageCellData* CountStage::usage_cell(Flow& flow) noexcept {
    if (flow.usage_cell != kNoUsageCell && flow.stamp == state_.stamp) {
        return &state_.usage_tables[state_.usage_table].cell(flow.usage_cell);
    }
    return add_usage_cell(flow);
}

UsageCellData* CountStage::add_usage_cell(Flow& flow) noexcept {
    UsageTable& table = state_.usage_tables[state_.usage_table];
    UsageCellKey key{flow.server(), flow.server_port(), state_.flows.cold(flow).usage_class, flow.protocol,
                     flow.app};
    if (!flow.begun_by_desktop) { // the service is the desktop's: its port says more than the peer's
        key.port = 0;
    }
    std::uint32_t index = table.find_or_add(key);
    if (index == UsageTable::kFull) {
        state_.counters.add(Counter::usage_overflow);
        key.server = IpAddress{};
        key.port = 0;
        index = table.find_or_add(key);
        if (index == UsageTable::kFull) {
            return nullptr;
        }
    }
    // Under an older stamp (a flow that ends) the cell is looked up once more the next time.
    flow.usage_cell = flow.stamp == state_.stamp ? index & kNoUsageCell : kNoUsageCell;
    UsageCellData& cell = table.cell(index);
    const std::uint64_t who = flow.desktop != 0 ? flow.desktop : hash_address(flow.desktop_address(), 1);
    cell.desktops.add(hash_address(IpAddress::from_v4(static_cast<std::uint32_t>(who)), state_.usage_salt));
    return &cell;
}

void CountStage::flow_ended(Flow& flow) noexcept {
    const bool failed = flow.protocol == kProtoTcp && flow.begun_by_desktop && !flow.counted_answer &&
                        flow.has_desktop && flow.verdict != FlowVerdict::block && !flow.splice_upstream_side;
    if (failed) {
        if (UsageCellData* usage = usage_cell(flow)) {
            usage->failed += 1;
        }
    }
}

} // namespace foregate::dataplane
