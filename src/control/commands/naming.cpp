// SPDX-License-Identifier: BSD-3-Clause
#include "control/commands/naming.h"

#include "control/gateway.h"

namespace foregate::control {

Naming naming_of(const Gateway& gateway) {
    Naming naming;
    naming.desktop = [&gateway](std::uint32_t number) {
        const Desktop* desktop = gateway.sessions.table().find(number);
        return desktop != nullptr ? desktop->name : std::string("-");
    };
    naming.usage_class = [&gateway](std::uint16_t number) {
        return number < gateway.config.classes.size() ? gateway.config.classes[number].name
                                                      : std::string("?");
    };
    naming.destination = [&gateway](const IpAddress& server, std::uint16_t port) {
        return gateway.name_of(server, port);
    };
    naming.application = [&gateway](std::uint16_t protocol, std::uint16_t application) {
        return gateway.catalogue.name_of(protocol, application);
    };
    return naming;
}

std::string no_such_desktop(const std::string& name) {
    return "no desktop is called " + name + " or has this address";
}

} // namespace foregate::control
