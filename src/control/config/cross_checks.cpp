// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/cross_checks.h"

#include "control/config/nearest.h"
#include "control/config/prefix_overlaps.h"
#include "control/config/quantity.h"

#include <algorithm>
#include <map>
#include <string>

namespace foregate::control {

namespace {

std::string at(const std::string& list, std::size_t index) {
    return list + "[" + std::to_string(index) + "]";
}

/// Finds what was set before, by its text.
class Unique {
public:
    explicit Unique(Reading& reading) : reading_(reading) {}

    /// A problem at `path` if `text` was claimed before; empty texts are left out.
    void claim(const std::string& text, const std::string& path, const std::string& what) {
        if (text.empty() || reading_.failed(path)) {
            return;
        }
        const int line = reading_.line_of(path);
        const auto [first, is_new] = lines_.emplace(text, line);
        if (!is_new) {
            reading_.problem(line, path,
                             what + " \"" + text + "\" is already used in line " +
                                 std::to_string(first->second) + ", expected another");
        }
    }

private:
    Reading& reading_;
    std::map<std::string, int> lines_;
};

void report(Reading& reading, const std::vector<Overlap>& overlaps, const std::string& what) {
    for (const auto& [outer, inner] : overlaps) {
        const bool inner_is_later = reading.line_of(inner->path) >= reading.line_of(outer->path);
        const auto* later = inner_is_later ? inner : outer;
        const auto* earlier = inner_is_later ? outer : inner;
        reading.problem(reading.line_of(later->path), later->path,
                        later->prefix.to_string() + " overlaps " + earlier->prefix.to_string() +
                            " in line " + std::to_string(reading.line_of(earlier->path)) +
                            ", expected " + what);
    }
}

constexpr std::size_t kMostAcceptedMacs = 8; // looked at one by one, for a frame that is not to the port itself

bool is_routed(const PortConfig& port) {
    return port.role == PortRole::desktop || port.role == PortRole::upstream;
}

void check_roles(Reading& reading, const Config& config) {
    std::map<PortRole, std::vector<std::size_t>> by_role;
    for (std::size_t i = 0; i < config.ports.size(); ++i) {
        if (reading.failed(at("ports", i) + ".role") || reading.failed(at("ports", i))) {
            return; // what is missing may be that one
        }
        by_role[config.ports[i].role].push_back(i);
    }
    const int line = reading.line_of("ports");
    if (by_role[PortRole::desktop].empty()) {
        reading.problem(line, "ports", "no port with the role desktop, expected at least one");
    }
    if (by_role[PortRole::upstream].empty()) {
        reading.problem(line, "ports", "no port with the role upstream, expected at least one");
    }
    const auto& desktops = by_role[PortRole::primary_desktop];
    const auto& clients = by_role[PortRole::primary_client];
    for (const auto* role : {&desktops, &clients}) {
        if (role->size() > 1) {
            const auto path = at("ports", (*role)[1]) + ".role";
            reading.problem(reading.line_of(path), path,
                            "a second port of this role, expected one primary-desktop and one "
                            "primary-client port");
        }
    }
    if (desktops.empty() != clients.empty()) {
        const bool lonely_desktop = clients.empty();
        const auto path = at("ports", lonely_desktop ? desktops[0] : clients[0]) + ".role";
        reading.problem(
            reading.line_of(path), path,
            std::string("a primary port without its partner, expected also a port with the role ") +
                (lonely_desktop ? "primary-client" : "primary-desktop"));
    }
}

/// A primary port is a transparent pair's end: nothing of it is routed or shaped.
void check_primary(Reading& reading, const PortConfig& port, const std::string& path) {
    const auto refuse = [&](bool set, const std::string& key) {
        if (set) {
            reading.problem(reading.line_of(path + key), path + key,
                            "set on a primary port, which passes frames through unchanged, "
                            "expected it on desktop and "
                            "upstream ports only");
        }
    };
    refuse(port.rate_bps != 0, ".rate");
    refuse(!port.twin.empty(), ".twin");
    refuse(!port.addresses.empty(), ".addresses");
    refuse(!port.routes.empty(), ".routes");
    refuse(!port.vlan.empty(), ".vlan");
    refuse(!port.accept_macs.empty(), ".accept-macs");
}

bool is_link_local(const IpAddress& a) {
    return !a.is_v4() && a.bytes[0] == 0xfe && (a.bytes[1] & 0xc0) == 0x80;
}

void check_routes(Reading& reading, const PortConfig& port, const std::string& path) {
    for (std::size_t r = 0; r < port.routes.size(); ++r) {
        const auto& route = port.routes[r];
        const std::string via = at(path + ".routes", r) + ".via";
        if (reading.failed(via) || reading.failed(at(path + ".routes", r) + ".to") ||
            reading.failed(at(path + ".routes", r))) {
            continue;
        }
        const int line = reading.line_of(via);
        if (route.to.is_v4() != route.via.is_v4()) {
            reading.problem(line, via,
                            route.via.to_string() + " is of another family than " +
                                route.to.to_string() + ", expected both IPv4 or both IPv6");
            continue;
        }
        const auto reaches = [&](const IpPrefix& own) { return own.contains(route.via); };
        const auto is_own = [&](const IpPrefix& own) { return own.address == route.via; };
        if (std::ranges::any_of(port.addresses, is_own)) {
            reading.problem(line, via,
                            route.via.to_string() +
                                " is this port's own address, expected the next router's");
        } else if (!is_link_local(route.via) && !reading.failed(path + ".addresses") &&
                   std::ranges::none_of(port.addresses, reaches)) {
            reading.problem(line, via,
                            route.via.to_string() + " is in no network of port " + port.name +
                                ", expected an address one of its addresses reaches");
        }
    }
}

void check_twin(Reading& reading, const PortConfig& port, const std::string& path) {
    constexpr std::size_t kLongestInterfaceName = 15; // IFNAMSIZ less its end
    if (port.twin.size() > kLongestInterfaceName) {
        reading.problem(reading.line_of(path + ".name"), path + ".twin",
                        "the default name " + port.twin +
                            " is longer than 15 characters, expected `twin:` with a shorter one");
    }
}

std::vector<OwnedPrefix> class_prefixes(const Config& config) {
    std::vector<OwnedPrefix> prefixes;
    for (std::size_t c = 0; c < config.classes.size(); ++c) {
        for (std::size_t p = 0; p < config.classes[c].prefixes.size(); ++p) {
            prefixes.push_back(
                {config.classes[c].prefixes[p], c, at(at("classes", c) + ".prefixes", p)});
        }
    }
    return prefixes;
}

/// The sum of the rates of all ports of a role; 0 if one of them is not shaped.
std::uint64_t rate_of_role(const Config& config, PortRole role) {
    std::uint64_t sum = 0;
    for (const auto& port : config.ports) {
        if (port.role == role && port.rate_bps == 0) {
            return 0;
        }
        sum += port.role == role ? port.rate_bps : 0;
    }
    return sum;
}

void check_rates(Reading& reading, const Config& config) {
    for (std::size_t c = 0; c < config.classes.size(); ++c) {
        const auto& usage_class = config.classes[c];
        const std::string path = at("classes", c) + ".floor";
        if (usage_class.ceiling_bps != 0 && usage_class.floor_bps > usage_class.ceiling_bps) {
            reading.problem(reading.line_of(path), path,
                            format_rate(usage_class.floor_bps) + " is more than the ceiling " +
                                format_rate(usage_class.ceiling_bps) + " in line " +
                                std::to_string(reading.line_of(at("classes", c) + ".ceiling")) +
                                ", expected a floor below the ceiling");
        }
        for (const auto& port : config.ports) {
            if (is_routed(port) && port.rate_bps != 0 && usage_class.floor_bps > port.rate_bps) {
                reading.problem(reading.line_of(path), path,
                                format_rate(usage_class.floor_bps) + " is more than port " +
                                    port.name + "'s rate " + format_rate(port.rate_bps) +
                                    " in line " + std::to_string(port.mark.line) +
                                    ", expected a floor that every port can keep");
                break;
            }
        }
    }
}

void warn_of_floor_sum(Reading& reading, const Config& config) {
    std::map<std::string, std::uint64_t> floors;
    for (const auto& usage_class : config.classes) {
        floors[usage_class.name] = usage_class.floor_bps;
    }
    long double sum = 0; // beyond 64 bits with a million desktops at the largest rate
    for (const auto& desktop : config.desktops) {
        sum += static_cast<long double>(floors[desktop.usage_class]);
    }
    for (const auto role : {PortRole::desktop, PortRole::upstream}) {
        const std::uint64_t rate = rate_of_role(config, role);
        if (rate != 0 && sum > static_cast<long double>(rate)) {
            reading.warn(reading.line_of("desktops"), "desktops",
                         "the floors of the listed desktops together exceed the " +
                             format_rate(rate) + " of the " +
                             (role == PortRole::desktop ? "desktop" : "upstream") +
                             " ports, expected a sum within it; with all of them active, floors "
                             "shrink in proportion");
        }
    }
}

void check_desktop(Reading& reading, const Config& config, std::size_t d,
                   const std::map<std::string, std::size_t>& classes,
                   const std::vector<OwnedPrefix>& prefixes) {
    const auto& desktop = config.desktops[d];
    const std::string path = at("desktops", d);
    const auto own = classes.find(desktop.usage_class);
    if (own == classes.end()) {
        if (!reading.failed(path + ".class") && !reading.failed(path)) {
            std::vector<std::string> names;
            for (const auto& [name, index] : classes) {
                names.push_back(name);
            }
            reading.problem(reading.line_of(path + ".class"), path + ".class",
                            "unknown class \"" + desktop.usage_class + "\", " +
                                suggestion(desktop.usage_class, names));
        }
        return;
    }
    for (std::size_t a = 0; a < desktop.addresses.size(); ++a) {
        const auto* around = find_containing(prefixes, desktop.addresses[a]);
        if (around != nullptr && around->owner != own->second) {
            const std::string where = at(path + ".addresses", a);
            reading.problem(reading.line_of(where), where,
                            desktop.addresses[a].to_string() + " lies in " +
                                around->prefix.to_string() + " of class " +
                                config.classes[around->owner].name + " (line " +
                                std::to_string(reading.line_of(around->path)) +
                                "), expected an address outside of it or class: " +
                                config.classes[around->owner].name);
        }
    }
}

/// Rules behind one that takes everything never decide anything.
void warn_of_unreached(Reading& reading, const AccessConfig& access, const std::string& path) {
    for (std::size_t i = 0; i + 1 < access.rules.size(); ++i) {
        const AccessRuleConfig& rule = access.rules[i];
        if (rule.name.empty() && !rule.prefix && rule.first_port == 0 && rule.protocol == 0) {
            const std::string next = at(path + ".rules", i + 1);
            reading.warn(reading.line_of(next), next,
                         "\"" + access.rules[i + 1].to_string() + "\" stands behind \"" + rule.to_string() +
                             "\" (line " + std::to_string(reading.line_of(at(path + ".rules", i))) +
                             ") and is never reached, expected it in front");
            return;
        }
    }
}

void check_access(Reading& reading, const Config& config) {
    constexpr std::size_t kMostRules = 4096; // of one list in the data plane
    warn_of_unreached(reading, config.access, "access");
    for (std::size_t c = 0; c < config.classes.size(); ++c) {
        const std::string path = at("classes", c) + ".access";
        const AccessConfig& access = config.classes[c].access;
        warn_of_unreached(reading, access, path);
        const std::size_t rules = config.access.rules.size() + access.rules.size() + config.resolvers.size();
        if (rules > kMostRules) {
            reading.problem(reading.line_of(path), path,
                            std::to_string(rules) + " rules with the site's and one for each resolver, expected at most " +
                                std::to_string(kMostRules));
        }
    }
}

void check_held(Reading& reading, const HoldConfig& hold) {
    std::map<std::string, int> allowed;
    for (std::size_t i = 0; i < hold.allow.size(); ++i) {
        allowed.emplace(hold.allow[i].to_string(), reading.line_of(at("plan.hold.allow", i)));
    }
    for (std::size_t i = 0; i < hold.deny.size(); ++i) {
        const auto where = at("plan.hold.deny", i);
        if (const auto both = allowed.find(hold.deny[i].to_string()); both != allowed.end()) {
            reading.problem(reading.line_of(where), where,
                            both->first + " is allowed in line " + std::to_string(both->second) +
                                ", expected it in allow or in deny");
        }
    }
    Unique ages(reading);
    for (std::size_t i = 0; i < hold.max_age_of.size(); ++i) {
        ages.claim(hold.max_age_of[i].first.to_string(), at("plan.hold.max-age-of", i),
                   "destination");
    }
}

} // namespace

void check_ports(Reading& reading, const Config& config) {
    check_roles(reading, config);
    Unique names(reading);
    Unique twins(reading);
    Unique devices(reading);
    std::vector<OwnedPrefix> networks;
    for (std::size_t i = 0; i < config.ports.size(); ++i) {
        const auto& port = config.ports[i];
        const std::string path = at("ports", i);
        names.claim(port.name, path + ".name", "port name");
        devices.claim(port.device.substr(0, port.device.find(',')), path + ".device", "device");
        if (reading.failed(path + ".role")) {
            continue;
        }
        if (!is_routed(port)) {
            check_primary(reading, port, path);
            continue;
        }
        check_twin(reading, port, path);
        if (port.accept_macs.size() > kMostAcceptedMacs) {
            reading.problem(reading.line_of(path + ".accept-macs"), path + ".accept-macs",
                            std::to_string(port.accept_macs.size()) + " addresses, expected at most " +
                                std::to_string(kMostAcceptedMacs));
        }
        twins.claim(port.twin, path + ".twin", "twin name");
        check_routes(reading, port, path);
        if (port.addresses.empty() && !reading.failed(path + ".addresses")) {
            reading.warn(
                port.mark.line, path,
                "a routed port without addresses, expected its twin to get one by other means");
        }
        for (std::size_t a = 0; a < port.addresses.size(); ++a) {
            networks.push_back({port.addresses[a].network(), i, at(path + ".addresses", a)});
        }
    }
    report(reading, find_overlaps(networks, false),
           "the networks of different ports to be disjoint");
}

void check_fleet(Reading& reading, const Config& config) {
    Unique class_names(reading);
    std::map<std::string, std::size_t> classes;
    for (std::size_t c = 0; c < config.classes.size(); ++c) {
        class_names.claim(config.classes[c].name, at("classes", c) + ".name", "class name");
        if (!config.classes[c].name.empty()) {
            classes.emplace(config.classes[c].name, c);
        }
    }
    if (config.classes.empty() && !reading.failed("classes")) {
        reading.warn(reading.line_of("classes"), "classes",
                     std::string("no class, so every desktop is unknown and ") +
                         (config.unknown_desktops == UnknownDesktop::block ? "blocked"
                                                                           : "without a forecast") +
                         ", expected at least one");
    }
    auto prefixes = class_prefixes(config);
    report(reading, find_overlaps(prefixes, true), "the prefixes of classes to be disjoint");

    Unique desktop_names(reading);
    Unique addresses(reading);
    for (std::size_t p = 0; p < config.ports.size(); ++p) {
        for (std::size_t a = 0; a < config.ports[p].addresses.size(); ++a) {
            addresses.claim(config.ports[p].addresses[a].address.to_string(),
                            at(at("ports", p) + ".addresses", a), "address");
        }
    }
    for (std::size_t d = 0; d < config.desktops.size(); ++d) {
        const auto& desktop = config.desktops[d];
        desktop_names.claim(desktop.name, at("desktops", d) + ".name", "desktop name");
        for (std::size_t a = 0; a < desktop.addresses.size(); ++a) {
            addresses.claim(desktop.addresses[a].to_string(),
                            at(at("desktops", d) + ".addresses", a), "address");
        }
        check_desktop(reading, config, d, classes, prefixes);
    }
    check_rates(reading, config);
    warn_of_floor_sum(reading, config);
}

void check_policies(Reading& reading, const Config& config) {
    check_held(reading, config.plan.hold);
    check_access(reading, config);
    Unique feed_names(reading);
    for (std::size_t f = 0; f < config.threats.feeds.size(); ++f) {
        feed_names.claim(config.threats.feeds[f].name, at("threats.feeds", f) + ".name",
                         "feed name");
    }
    if (config.console.telnet_port != 0 && config.console.telnet_port == config.metrics.port &&
        !reading.failed("metrics.port")) {
        reading.problem(reading.line_of("metrics.port"), "metrics.port",
                        std::to_string(config.metrics.port) +
                            " is also the console's telnet-port, expected another");
    }
    const auto& token = config.console.token_file;
    std::error_code error;
    const auto others = std::filesystem::perms::others_read | std::filesystem::perms::others_write;
    if (!token.empty() &&
        (std::filesystem::status(token, error).permissions() & others) !=
            std::filesystem::perms::none &&
        !error) {
        reading.warn(reading.line_of("console.token-file"), "console.token-file",
                     token.string() + " can be read by everybody, expected mode 0600");
    }
}

} // namespace foregate::control
