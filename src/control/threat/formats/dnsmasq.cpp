// SPDX-License-Identifier: BSD-3-Clause
// dnsmasq's configuration: "address=/name/name/target", "server=/name/", "local=/name/". A name
// there stands for itself and everything below it. The target must be nothing or a sink: with a
// real address the line maps the name, which is no listing.
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"
#include "control/threat/formats/sinks.h"

namespace foregate::control {

namespace {

std::string_view directive_of(std::string_view line) {
    const std::size_t equals = line.find('=');
    return equals == std::string_view::npos ? std::string_view() : trimmed(line.substr(0, equals));
}

bool takes(std::string_view line) {
    const std::string_view directive = directive_of(line);
    return directive == "address" || directive == "server" || directive == "local" ||
           directive == "ipset" || directive == "nftset" || directive == "bogus-nxdomain" ||
           directive == "filter-rr";
}

void read_line(std::string_view line, FeedIntake& intake) {
    const std::string_view directive = directive_of(line);
    const std::string_view value = trimmed(without_comment(line.substr(line.find('=') + 1), "#;"));
    const bool lists = directive == "address" || directive == "server" || directive == "local";
    if (!lists || !value.starts_with('/')) {
        intake.skip(); // upstream servers, sets
        return;
    }
    const std::vector<std::string_view> parts = split_at(value.substr(1), '/');
    const std::string_view target = parts.back();
    const bool sink = target.empty() || target == "#" || is_sink_address(target);
    if (parts.size() < 2 || !sink || (directive == "server" && target == "#")) {
        intake.reject(line, parts.size() < 2 ? "expected =/name/target"
                                             : "it maps the name to a server; that is no listing");
        return;
    }
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        if (parts[i].find_first_of("#:*") != std::string_view::npos &&
            !parts[i].starts_with("*.")) {
            intake.reject(parts[i], "no name");
        } else {
            intake.add_name(parts[i]);
        }
    }
}

} // namespace

const LineFormat kDnsmasq{"dnsmasq", takes, read_line};

} // namespace foregate::control
