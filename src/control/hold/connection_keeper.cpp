// SPDX-License-Identifier: BSD-3-Clause
#include "control/hold/connection_keeper.h"

#include "control/usage/destination_text.h"

#include <algorithm>
#include <utility>

namespace foregate::control {

using dataplane::CloseHeld;
using dataplane::HeldPurpose;
using dataplane::OpenHeld;
using std::chrono::nanoseconds;

namespace {

HeldPurpose held_purpose(ConnectionPurpose purpose) {
    return purpose == ConnectionPurpose::monitor ? HeldPurpose::monitor : HeldPurpose::predicted;
}

/// 65 to 75 % of the maximum age, by the connection's number, so that a fleet's replacements are
/// spread; but early enough that the successor is established before the data plane refuses to
/// splice (0.5 s before the maximum).
nanoseconds replace_after(std::uint64_t id, nanoseconds max_age) {
    std::uint64_t x = id + 0x9e3779b97f4a7c15ULL; // splitmix64 (Steele, Lea, Flood 2014)
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    x ^= x >> 31;
    const auto share = 650 + static_cast<std::int64_t>(x % 101);
    const nanoseconds spread = max_age / 1000 * share;
    const nanoseconds latest =
        std::max<nanoseconds>(max_age - std::chrono::seconds(2), max_age / 2);
    return std::min(spread, latest);
}

bool owns(const Desktop& desktop, const IpAddress& address) {
    return std::find(desktop.addresses.begin(), desktop.addresses.end(), address) !=
           desktop.addresses.end();
}

const Desktop* desktop_of(std::span<const Desktop> desktops, DesktopId id) {
    if (id != 0 && id <= desktops.size() && desktops[id - 1].id == id) {
        return &desktops[id - 1];
    }
    const auto found = std::find_if(desktops.begin(), desktops.end(),
                                    [id](const Desktop& d) { return d.id == id; });
    return found == desktops.end() ? nullptr : &*found;
}

bool active(const Desktop* desktop) {
    return desktop != nullptr && !desktop->retired && desktop->state == SessionState::active;
}

} // namespace

struct ConnectionKeeper::Turn {
    std::span<const Desktop> desktops;
    const DestinationDirectory& directory;
    SteadyTime now;
    std::vector<Row*> wanted; ///< rows with a target, the plan's most useful first
    std::vector<std::vector<const Desktop*>> of_class; ///< active ones, by class
    Orders orders;
};

ConnectionKeeper::ConnectionKeeper(const Config& config, MayConnect may_connect)
    : config_(config.plan.hold), may_connect_(std::move(may_connect)), templates_(config), rate_(config.plan.hold.dials_per_second) {
    for (const ClassConfig& usage_class : config.classes) {
        class_names_.push_back(usage_class.name);
        guests_.push_back(usage_class.guest);
    }
}

ConnectionKeeper::Destination& ConnectionKeeper::destination(const std::string& text,
                                                             std::uint16_t port) {
    const auto found = destinations_.find(text);
    if (found != destinations_.end()) {
        return found->second;
    }
    nanoseconds age = config_.max_age;
    for (const auto& [spec, limit] : config_.max_age_of) {
        if (format_destination(spec) == text) {
            age = limit;
        }
    }
    return destinations_.emplace(text, Destination{text, port, AgeLimit(age), {}, false, 0, 0, {}})
        .first->second;
}

ConnectionKeeper::Row& ConnectionKeeper::row(Destination& of, std::uint16_t class_index,
                                             HeldPurpose purpose) {
    Row& row = of.rows[{class_index, purpose}];
    row.destination = &of;
    row.class_index = class_index;
    row.purpose = purpose;
    return row;
}

std::vector<KeeperOrder> ConnectionKeeper::tick(std::span<const ConnectionTarget> targets,
                                                std::span<const Desktop> desktops,
                                                const DestinationDirectory& directory,
                                                SteadyTime now) {
    Turn turn{desktops, directory, now, {}, {}, {}};
    turn.of_class.resize(class_names_.size());
    for (const Desktop& d : desktops) {
        if (active(&d) && d.class_index < turn.of_class.size()) {
            turn.of_class[d.class_index].push_back(&d);
        }
    }
    rate_.refill(now);
    take_targets(turn, targets);
    review(turn);
    count_present();
    close_surplus(turn);
    open_successors(turn);
    open_missing(turn);
    forget_unused(now);
    return std::move(turn.orders);
}

/// Notes on each row what is wanted now.
void ConnectionKeeper::take_targets(Turn& turn, std::span<const ConnectionTarget> targets) {
    for (auto& [text, to] : destinations_) {
        for (auto& [key, row] : to.rows) {
            row.per_desktop = row.limit = 0;
            row.wanted = 0;
        }
    }
    for (const ConnectionTarget& target : targets) {
        const auto parts = parse_destination(target.destination);
        const auto name = std::find(class_names_.begin(), class_names_.end(), target.usage_class);
        const bool possible = parts && parts->kind != DestinationParts::Kind::prefix &&
                              parts->port != 0 && name != class_names_.end() &&
                              target.per_desktop != 0;
        if (!possible || (!config_.enabled && target.purpose == ConnectionPurpose::predicted)) {
            continue;
        }
        const auto class_index = static_cast<std::uint16_t>(name - class_names_.begin());
        Row& r = row(destination(target.destination, parts->port), class_index,
                     held_purpose(target.purpose));
        if (r.per_desktop == 0) {
            turn.wanted.push_back(&r);
        }
        r.per_desktop = std::max(r.per_desktop,
                                 std::min(target.per_desktop, config_.per_desktop_and_destination));
        r.limit = std::max(r.limit, target.limit);
        r.wanted =
            std::min<std::uint64_t>(r.limit, r.per_desktop * turn.of_class[class_index].size());
        r.wanted_at = turn.now;
    }
}

/// Each connection on its own: lost reports, sessions that ended, addresses that moved, closes to
/// be sent again.
void ConnectionKeeper::review(Turn& turn) {
    std::vector<std::uint64_t> lost_ones;
    for (const std::uint64_t id : close_soon_) {
        const auto found = connections_.find(id);
        if (found != connections_.end() && found->second.state == State::held) {
            ++found->second.row->expired;
            ++totals_.expired;
            close(id, found->second, turn.orders, turn.now);
        }
    }
    close_soon_.clear();
    const bool moved = directory_version_ != turn.directory.version();
    directory_version_ = turn.directory.version();
    const bool check_permissions = std::exchange(check_permissions_, false);
    for (auto& [id, c] : connections_) {
        if (lost(c, turn.now)) {
            lost_ones.push_back(id);
            if (c.state == State::dialing ||
                c.state == State::held) { // a splice is not ours to end
                turn.orders.push_back({CloseHeld{id}, c.source, c.server});
            }
            continue;
        }
        if (c.close_again) {
            c.close_again = false;
            turn.orders.push_back({CloseHeld{id}, c.source, c.server});
        }
        if (c.state != State::dialing && c.state != State::held) {
            continue;
        }
        const Desktop* desktop = desktop_of(turn.desktops, c.desktop);
        if (!active(desktop) || !owns(*desktop, c.source) ||
            (check_permissions && !may_connect(*c.row, c.server))) {
            close(id, c, turn.orders, turn.now);
        } else if (moved && turn.directory.has_left(c.row->destination->text, c.server, turn.now)) {
            ++totals_.moved;
            close(id, c, turn.orders, turn.now);
        }
    }
    for (const std::uint64_t id : lost_ones) {
        erase(id);
    }
}

bool ConnectionKeeper::lost(const Connection& c, SteadyTime now) const {
    const auto for_long = now - c.since;
    switch (c.state) {
    case State::dialing:
        return for_long >= kDialLost;
    case State::held:
        return for_long >= c.max_age + kExpiryLost;
    case State::spliced:
        return for_long >= kSpliceLost;
    case State::closing:
        return for_long >= kCloseLost;
    }
    return false;
}

void ConnectionKeeper::count_present() {
    present_ = 0;
    present_of_.clear();
    for (auto& [text, to] : destinations_) {
        to.dialing = to.present = 0;
        for (auto& [key, row] : to.rows) {
            row.present = 0;
            for (auto& [desktop, need] : row.needs) {
                need.present = 0;
            }
        }
    }
    for (const auto& [id, c] : connections_) {
        c.row->destination->dialing += c.state == State::dialing;
        if ((c.state == State::dialing || c.state == State::held) && c.successor == 0) {
            ++present_;
            ++present_of_[c.desktop];
            ++c.row->present;
            ++c.row->destination->present;
            ++c.row->needs[c.desktop].present;
        }
    }
}

/// What is no longer wanted goes after a grace: a plan that trembles does not close and open.
void ConnectionKeeper::close_surplus(Turn& turn) {
    for (auto& [text, to] : destinations_) {
        for (auto& [key, row] : to.rows) {
            if (row.purpose == HeldPurpose::ordered) {
                continue;
            }
            for (auto& [desktop, need] : row.needs) {
                if (need.present <= row.per_desktop) {
                    need.surplus_since.reset();
                    continue;
                }
                if (!need.surplus_since) {
                    need.surplus_since = turn.now;
                }
                if (turn.now - *need.surplus_since < kGrace) {
                    continue;
                }
                for (const std::uint64_t id : need.ids) { // oldest first
                    Connection& c = connections_.at(id);
                    const bool counted =
                        (c.state == State::dialing || c.state == State::held) && c.successor == 0;
                    if (counted && need.present > row.per_desktop) {
                        const std::uint64_t before = c.predecessor;
                        close(id, c, turn.orders, turn.now);
                        if (const auto p = connections_.find(before); p != connections_.end()) {
                            close(before, p->second, turn.orders, turn.now);
                        }
                        --need.present, --row.present, --to.present, --present_,
                            --present_of_[desktop];
                    }
                }
            }
        }
    }
}

bool ConnectionKeeper::successor_due(std::uint64_t id, const Connection& c, SteadyTime now) const {
    const Row& row = *c.row;
    if (c.state != State::held || c.successor != 0 || row.per_desktop == 0 ||
        row.present > row.limit) {
        return false;
    }
    const nanoseconds limit = std::min(c.max_age, row.destination->age.now_at(now));
    if (now - c.since >= replace_after(id, limit)) {
        return true;
    }
    // Another desktop of the class with other options is no reason, unless the first was but a
    // guess.
    const SynKnown known = templates_.known(c.desktop, row.class_index);
    return (known == SynKnown::own || known > c.syn_known) &&
           syn_outdated(c.syn, templates_.of(c.desktop, row.class_index, !c.server.is_v4()));
}

void ConnectionKeeper::open_successors(Turn& turn) {
    std::vector<std::pair<SteadyTime, std::uint64_t>> due; // the oldest first
    for (const auto& [id, c] : connections_) {
        if (successor_due(id, c, turn.now)) {
            due.emplace_back(c.since, id);
        }
    }
    std::sort(due.begin(), due.end());
    for (const auto& [since, id] : due) {
        const Desktop* desktop = desktop_of(turn.desktops, connections_.at(id).desktop);
        const std::uint64_t next = open(turn, *connections_.at(id).row, *desktop);
        if (next != 0) {
            connections_.at(id).successor = next;
            connections_.at(next).predecessor = id;
        }
    }
}

/// By rounds: the first connection of every desktop comes before the second of any.
void ConnectionKeeper::open_missing(Turn& turn) {
    for (Row* row : turn.wanted) {
        Destination& to = *row->destination;
        for (unsigned round = 1; round <= row->per_desktop; ++round) {
            for (const Desktop* desktop : turn.of_class[row->class_index]) {
                if (row->present >= row->limit || to.present >= config_.per_destination ||
                    present_ >= config_.total || !may_dial(to, turn.now)) {
                    break;
                }
                const auto need = row->needs.find(desktop->id);
                const unsigned present = need == row->needs.end() ? 0 : need->second.present;
                if (present >= round || present_of_[desktop->id] >= config_.per_desktop) {
                    continue;
                }
                if (open(turn, *row, *desktop) != 0) {
                    ++row->needs[desktop->id].present;
                    ++row->present, ++to.present, ++present_, ++present_of_[desktop->id];
                }
            }
        }
    }
}

bool ConnectionKeeper::may_dial(Destination& to, SteadyTime now) const {
    return !to.retreat.waiting(now) && (to.retreat.clear() || to.dialing == 0);
}

bool ConnectionKeeper::may_connect(const Row& row, const IpAddress& server) const {
    return !may_connect_ || may_connect_(row.class_index, row.destination->text, server);
}

std::uint64_t ConnectionKeeper::open(Turn& turn, Row& row, const Desktop& desktop) {
    if (!may_dial(*row.destination, turn.now)) {
        return 0;
    }
    const auto pick =
        turn.directory.pick(row.destination->text, desktop, guests_[row.class_index], turn.now);
    if (!pick || !may_connect(row, pick->server) || !rate_.take()) {
        return 0;
    }
    turn.orders.push_back(dial(row, desktop, *pick, turn.now));
    return last_id_;
}

KeeperOrder ConnectionKeeper::dial(Row& row, const Desktop& desktop, const Pick& pick,
                                   SteadyTime now) {
    const nanoseconds max_age = row.destination->age.now_at(now);
    OpenHeld order;
    order.id = ++last_id_;
    order.desktop = desktop.id;
    order.usage_class = row.class_index;
    order.purpose = row.purpose;
    order.source = pick.source;
    order.server = pick.server;
    order.port = row.destination->port;
    order.syn = templates_.of(desktop.id, row.class_index, !pick.server.is_v4());
    order.max_age_ns = static_cast<std::uint64_t>(max_age.count());
    order.keepalive_ns = static_cast<std::uint64_t>(nanoseconds(config_.keepalive).count());
    Connection c;
    c.row = &row;
    c.desktop = desktop.id;
    c.source = pick.source;
    c.server = pick.server;
    c.syn = order.syn;
    c.syn_known = templates_.known(desktop.id, row.class_index);
    c.since = now;
    c.max_age = max_age;
    connections_.emplace(order.id, c);
    row.needs[desktop.id].ids.push_back(order.id);
    ++row.destination->dialing;
    ++totals_.dialed;
    return {order, pick.source, pick.server};
}

std::optional<KeeperOrder> ConnectionKeeper::order_one(const Desktop& desktop,
                                                       const std::string& text,
                                                       const DestinationDirectory& directory,
                                                       SteadyTime now) {
    const auto parts = parse_destination(text);
    if (!parts || parts->kind == DestinationParts::Kind::prefix || parts->port == 0 ||
        !active(&desktop) || desktop.class_index >= guests_.size()) {
        return std::nullopt;
    }
    count_present();
    const auto pick = directory.pick(text, desktop, guests_[desktop.class_index], now);
    if (!pick || present_ >= config_.total) {
        return std::nullopt;
    }
    Row& wanted = row(destination(text, parts->port), desktop.class_index, HeldPurpose::ordered);
    if (!may_connect(wanted, pick->server)) {
        return std::nullopt;
    }
    return dial(wanted, desktop, *pick, now);
}

void ConnectionKeeper::close(std::uint64_t id, Connection& c, Orders& orders, SteadyTime now) {
    if (c.state == State::closing || c.state == State::spliced) {
        return;
    }
    if (const auto p = connections_.find(c.predecessor); p != connections_.end()) {
        p->second.successor = 0;
    }
    if (const auto s = connections_.find(c.successor); s != connections_.end()) {
        s->second.predecessor = 0;
    }
    c.predecessor = c.successor = 0;
    c.state = State::closing;
    c.since = now;
    orders.push_back({CloseHeld{id}, c.source, c.server});
}

void ConnectionKeeper::erase(std::uint64_t id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) {
        return;
    }
    const Connection& c = found->second;
    if (const auto p = connections_.find(c.predecessor); p != connections_.end()) {
        p->second.successor = 0;
    }
    if (const auto s = connections_.find(c.successor); s != connections_.end()) {
        s->second.predecessor = 0;
    }
    std::erase(c.row->needs[c.desktop].ids, id);
    connections_.erase(found);
}

/// Destinations without a target, a connection or a retreat for an hour.
void ConnectionKeeper::forget_unused(SteadyTime now) {
    for (auto it = destinations_.begin(); it != destinations_.end();) {
        Destination& to = it->second;
        bool used = to.retreat.waiting(now) || to.age.learned(now);
        for (auto& [key, row] : to.rows) {
            std::erase_if(row.needs, [](const auto& need) { return need.second.ids.empty(); });
            used = used || !row.needs.empty() || now - row.wanted_at < kForgetAfter;
        }
        it = used ? std::next(it) : destinations_.erase(it);
    }
}

void ConnectionKeeper::not_sent(const KeeperOrder& order) {
    if (const auto* opened = std::get_if<OpenHeld>(&order.order)) {
        if (const auto found = connections_.find(opened->id); found != connections_.end()) {
            --found->second.row->destination->dialing;
            erase(opened->id);
            --totals_.dialed;
            if (opened->purpose != HeldPurpose::ordered) {
                rate_.give_back();
            }
        }
    } else if (const auto* closed = std::get_if<CloseHeld>(&order.order)) {
        if (const auto found = connections_.find(closed->id); found != connections_.end()) {
            found->second.close_again = true;
        }
    }
}

} // namespace foregate::control
