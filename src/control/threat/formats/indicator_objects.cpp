// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/formats/indicator_objects.h"

#include "control/threat/feed_text.h"
#include "control/threat/formats/stix_pattern.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace foregate::control {

using Json = nlohmann::json;

namespace {

/// The text of a member; of a number its digits; else empty.
std::string text_of(const Json& object, const char* key) {
    const auto member = object.find(key);
    if (member == object.end()) {
        return {};
    }
    if (member->is_string()) {
        return member->get<std::string>();
    }
    return member->is_number_integer() ? member->dump() : std::string();
}

bool is_true(const Json& object, const char* key) {
    const auto member = object.find(key);
    return member != object.end() &&
           ((member->is_boolean() && member->get<bool>()) || *member == "1" || *member == 1);
}

/// The first text of an array, or the text itself.
std::string first_text(const Json& object, const char* key) {
    const auto member = object.find(key);
    if (member != object.end() && member->is_array() && !member->empty() &&
        member->front().is_string()) {
        return member->front().get<std::string>();
    }
    return text_of(object, key);
}

std::string with_port(const std::string& host, const std::string& port) {
    const bool six = std::count(host.begin(), host.end(), ':') > 1 && !host.starts_with('[');
    return (six ? "[" + host + "]" : host) + ":" + port;
}

void add_comparison(const StixComparison& comparison, FeedIntake& intake) {
    const std::string& object = comparison.object;
    const std::string& value = comparison.value;
    const bool name = object == "domain-name:value";
    const bool address = object == "ipv4-addr:value" || object == "ipv6-addr:value";
    if (!name && !address && object != "url:value") {
        intake.skip(); // a file, a mail address, a registry key: no destination
    } else if (comparison.operator_ == "=" || (address && comparison.operator_ == "ISSUBSET")) {
        address ? intake.add_address(value) : name ? intake.add_word(value) : intake.add_url(value);
    } else if (name && comparison.operator_ == "LIKE" && value.starts_with("%.") &&
               value.find_first_of("%_", 1) == std::string::npos) {
        intake.add_word("*" + value.substr(1));
    } else if (name && comparison.operator_ == "MATCHES") {
        intake.add_pattern(value);
    } else {
        intake.reject(value, "a STIX " + comparison.operator_ + " on " + object.substr(0, 32));
    }
}

/// MISP types that name a host or address, plain.
bool is_plain_type(std::string_view type) {
    constexpr std::array<std::string_view, 5> kTypes{"domain", "hostname", "ip-dst", "ip-src",
                                                     "ip"};
    return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

} // namespace

bool read_stix_indicator(const Json& object, FeedIntake& intake) {
    if (text_of(object, "type") != "indicator" || !object.contains("pattern")) {
        return false;
    }
    const std::string text = text_of(object, "pattern");
    const std::string language = text_of(object, "pattern_type");
    if (is_true(object, "revoked") || (!language.empty() && language != "stix")) {
        intake.skip();
        return true;
    }
    const StixPattern pattern = parse_stix_pattern(text);
    if (!pattern.reason.empty()) {
        intake.reject(text, pattern.reason);
        return true;
    }
    const std::string kind = first_text(object, "indicator_types");
    intake.set_category(kind.empty() ? first_text(object, "labels") : kind);
    intake.set_expiry(parse_feed_time(text_of(object, "valid_until")));
    for (const StixComparison& comparison : pattern.any_of) {
        add_comparison(comparison, intake);
    }
    return true;
}

bool read_misp_attribute(const Json& object, FeedIntake& intake) {
    if (!object.contains("value") || !object.contains("type") ||
        (!object.contains("to_ids") && !object.contains("category"))) {
        return false;
    }
    const std::string type = text_of(object, "type");
    const std::string value = text_of(object, "value");
    const bool for_detection = !object.contains("to_ids") || is_true(object, "to_ids");
    const std::size_t bar = value.find('|');
    intake.set_category(text_of(object, "category"));
    intake.set_expiry(0);
    if (!for_detection || is_true(object, "deleted")) {
        intake.skip();
    } else if (is_plain_type(type)) {
        type.starts_with("ip") ? intake.add_address(value) : intake.add_word(value);
    } else if (type == "url") {
        intake.add_url(value);
    } else if (type == "domain|ip" && bar != std::string::npos) {
        intake.add_word(
            value.substr(0, bar)); // the address is where it was seen; it may host others
    } else if ((type == "ip-dst|port" || type == "ip-src|port" || type == "hostname|port") &&
               bar != std::string::npos) {
        intake.add_url(with_port(value.substr(0, bar), value.substr(bar + 1)));
    } else {
        intake.skip();
    }
    return true;
}

bool read_warning_list(const Json& object, FeedIntake& intake) {
    const auto list = object.find("list");
    if (list == object.end() || !list->is_array() ||
        (!object.contains("matching_attributes") && !object.contains("type"))) {
        return false;
    }
    const std::string type = text_of(object, "type");
    for (const Json& member : *list) {
        if (!member.is_string()) {
            intake.reject("list", "a member that is no text");
        } else if (type == "substring") {
            intake.reject(member.get_ref<const std::string&>(), "a part of a name");
        } else if (type == "regex") {
            intake.add_pattern(member.get_ref<const std::string&>());
        } else {
            intake.add_word(member.get_ref<const std::string&>());
        }
    }
    return true;
}

bool read_record(const Json& object, FeedIntake& intake) {
    constexpr std::array<const char*, 13> kKeys{
        "ioc_value", "ioc",        "indicator", "url",    "domain", "hostname", "host",
        "ip",        "ip_address", "dst_ip",    "src_ip", "cidr",   "network"};
    const std::string type = text_of(object, "ioc_type");
    if (object.contains("hash") || type.find("hash") != std::string::npos ||
        object.contains("sha256_hash")) {
        intake.skip();
        return true;
    }
    for (const char* key : kKeys) {
        const std::string word = text_of(object, key);
        if (word.empty()) {
            continue;
        }
        const std::string port =
            text_of(object, "port").empty() ? text_of(object, "dst_port") : text_of(object, "port");
        const std::string malware = text_of(object, "malware_printable");
        intake.set_category(malware.empty() ? first_text(object, "malware") : malware);
        intake.set_expiry(parse_feed_time(text_of(object, "valid_until")));
        const bool bare =
            word.find_first_of("/?") == std::string::npos && word.find("]:") == std::string::npos;
        if (bare && !port.empty() && port != "0") {
            intake.add_url(with_port(word, port));
        } else {
            intake.add_word(word);
        }
        return true;
    }
    return false;
}

} // namespace foregate::control
