// SPDX-License-Identifier: BSD-3-Clause
#include "control/commands/show.h"
#include "control/gateway.h"
#include "control/usage/destination_text.h"

#include <set>

namespace foregate::control {

namespace {

constexpr std::size_t kMostCandidates = 200;

void offer(Candidates& out, const std::string& text, const std::string& partial) {
    if (text.starts_with(partial) && out.size() < kMostCandidates) {
        out.push_back(text);
    }
}

} // namespace

Candidates desktop_names(Gateway& gateway, const CommandArgs& before, const std::string& partial) {
    Candidates out;
    for (const Desktop& desktop : gateway.sessions.table().desktops()) {
        if (before.words.empty() && !desktop.retired) {
            offer(out, desktop.name, partial);
        }
    }
    return out;
}

Candidates class_names(Gateway& gateway, const CommandArgs& before, const std::string& partial) {
    Candidates out;
    for (const ClassConfig& usage_class : gateway.config.classes) {
        if (before.words.empty()) {
            offer(out, usage_class.name, partial);
        }
    }
    return out;
}

Candidates desktop_then_reason(Gateway& gateway, const CommandArgs& before,
                               const std::string& partial) {
    if (before.words.empty()) {
        return desktop_names(gateway, before, partial);
    }
    Candidates out;
    for (const CutReason reason :
         {CutReason::inactivity, CutReason::suspension, CutReason::server_activity,
          CutReason::suspicion, CutReason::expected_usage, CutReason::operator_order}) {
        offer(out, cut_reason_name(reason), partial);
    }
    return out;
}

Candidates capture_keywords(Gateway& gateway, const CommandArgs& before, const std::string& partial) {
    Candidates out;
    if (before.words.empty()) {
        return out; // the file's name is new
    }
    if (before.words.back() == "port") {
        for (const PortConfig& port : gateway.config.ports) {
            offer(out, port.name, partial);
        }
        return out;
    }
    for (const char* word : {"port", "in", "out", "snap", "size", "files", "packets", "filter"}) {
        offer(out, word, partial);
    }
    return out;
}

Candidates five_tuple(Gateway& gateway, const CommandArgs& before, const std::string& partial) {
    Candidates out;
    switch (before.words.size()) {
    case 0:
        for (const char* protocol : {"tcp", "udp", "icmp", "icmpv6"}) {
            offer(out, protocol, partial);
        }
        break;
    case 1:
        return desktop_names(gateway, {}, partial);
    case 2:
        return desktop_then_destination(gateway, {{""}}, partial);
    case 3:
        offer(out, "name", partial);
        break;
    default:
        break;
    }
    return out;
}

Candidates desktop_then_destination(Gateway& gateway, const CommandArgs& before,
                                    const std::string& partial) {
    if (before.words.empty()) {
        return desktop_names(gateway, before, partial);
    }
    std::set<std::string> known;
    for (const ConnectionTarget& target : gateway.plan.plan().targets) {
        known.insert(target.destination);
    }
    for (const DestinationSpec& allowed : gateway.config.plan.hold.allow) {
        known.insert(format_destination(allowed));
    }
    Candidates out;
    for (const std::string& destination : known) {
        offer(out, destination, partial);
    }
    return out;
}

} // namespace foregate::control
