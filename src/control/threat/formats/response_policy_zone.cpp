// SPDX-License-Identifier: BSD-3-Clause
// Response policy zones (draft-vixie-dnsop-dns-rpz): an owner name, and a CNAME or local data that
// says what to answer. "name CNAME ." lists the name, "*.name" what is below it,
// "24.0.2.0.192.rpz-ip" a prefix; "CNAME rpz-passthru." is an exception. Triggers on the asking
// client or on name servers are rejected: a gateway that took them for destinations would be wrong.
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"
#include "dataplane/packet/ip_address.h"

#include <algorithm>
#include <array>
#include <optional>

namespace foregate::control {

namespace {

bool is_class_or_ttl(std::string_view word) {
    return word == "IN" || word == "in" || is_number(word);
}

bool is_record_type(std::string_view word) {
    constexpr std::array<std::string_view, 9> kTypes{"CNAME", "A",  "AAAA", "TXT",  "SOA",
                                                     "NS",    "MX", "SRV",  "DNAME"};
    return std::find(kTypes.begin(), kTypes.end(), word) != kTypes.end();
}

bool is_record(std::string_view line) {
    const std::vector<std::string_view> words = split_words(without_comment(line, ";"));
    if (words.empty() || words[0].find_first_of(":\"/|") != std::string_view::npos) {
        return false;
    }
    return std::any_of(words.begin(),
                       words.begin() +
                           static_cast<std::ptrdiff_t>(std::min<std::size_t>(words.size(), 4)),
                       is_record_type);
}

bool recognises(const FeedHead& head) {
    const bool zone_like = head.count([](std::string_view line) {
        return line.starts_with("$TTL") || line.starts_with("$ORIGIN") ||
               line.find(" SOA ") != std::string_view::npos;
    }) > 0;
    const std::size_t records = head.count(is_record);
    return zone_like ? records > 0 : head.mostly(records);
}

/// "24.0.2.0.192.rpz-ip": length, then the address backwards; "zz" stands for "::" in IPv6.
std::optional<std::string> prefix_of(std::string_view trigger) {
    std::vector<std::string_view> parts = split_at(trigger, '.');
    const std::string length(parts.front());
    parts.erase(parts.begin());
    std::reverse(parts.begin(), parts.end());
    const bool four = parts.size() == 4 && std::all_of(parts.begin(), parts.end(), is_number);
    std::string address;
    for (const std::string_view part : parts) {
        if (part == "zz") {
            address += address.ends_with(':') ? ":" : "::";
        } else {
            address += (address.empty() || address.ends_with(':') ? ""
                        : four                                    ? "."
                                                                  : ":") +
                       std::string(part);
        }
    }
    if (!is_number(length) || !dataplane::IpAddress::parse(address)) {
        return std::nullopt;
    }
    return address + "/" + length;
}

class ZoneReader {
public:
    explicit ZoneReader(FeedIntake& intake) : intake_(intake) {}

    void read_line(std::string_view line) {
        const bool continues =
            !line.empty() && kFeedBlanks.find(line.front()) != std::string_view::npos;
        if (trimmed(line).starts_with(';')) {
            return;
        }
        std::vector<std::string_view> words = split_words(trimmed(without_comment(line, ";")));
        if (words.empty()) {
            return;
        }
        if (in_parentheses_ || words[0].starts_with('$')) {
            read_directive(words, line);
            return;
        }
        in_parentheses_ =
            line.find('(') != std::string_view::npos && line.find(')') == std::string_view::npos;
        const std::string_view owner = continues ? std::string_view() : words[0];
        auto at = words.begin() + (continues ? 0 : 1);
        at = std::find_if_not(at, words.end(), is_class_or_ttl);
        if (at == words.end() || !is_record_type(*at)) {
            intake_.reject(line, "no record of a zone");
            return;
        }
        read_record(owner, *at, at + 1 == words.end() ? std::string_view() : *(at + 1));
    }

    [[nodiscard]] bool in_parentheses() const noexcept { return in_parentheses_; }

private:
    void read_directive(const std::vector<std::string_view>& words, std::string_view line) {
        if (in_parentheses_) {
            in_parentheses_ = line.find(')') == std::string_view::npos;
        } else if (words[0] == "$ORIGIN" && words.size() > 1) {
            origin_ = words[1] == "." ? "" : lower_case(words[1]);
        }
        intake_.skip();
    }

    void read_record(std::string_view owner, std::string_view type, std::string_view data) {
        // Further records of an owner say nothing new; "@" is the zone itself.
        if (owner.empty() || owner == "@" || type == "SOA" || type == "NS") {
            intake_.skip();
            return;
        }
        std::string name = lower_case(owner);
        if (!origin_.empty() && name.ends_with("." + origin_)) {
            name.resize(name.size() - origin_.size() - 1);
        }
        if (type == "CNAME" && data == "rpz-tcp-only.") {
            intake_.skip();
        } else if (type == "CNAME" && data == "rpz-passthru.") {
            intake_.add_exception(std::string_view(name).substr(name.starts_with("*.") ? 2 : 0));
        } else if (name.ends_with(".rpz-ip")) {
            const auto prefix = prefix_of(std::string_view(name).substr(0, name.size() - 7));
            prefix ? intake_.add_address(*prefix)
                   : intake_.reject(owner, "no prefix in front of rpz-ip");
        } else if (name.find(".rpz-") != std::string::npos) {
            intake_.reject(owner, "a trigger on the client or a name server, not on a destination");
        } else if (name == last_) {
            intake_.skip(); // an address record for each family
        } else {
            intake_.add_word(name);
            last_ = name;
        }
    }

    FeedIntake& intake_;
    std::string origin_;
    std::string last_;
    bool in_parentheses_ = false;
};

std::string read(const FeedHead& head, FeedIntake& intake) {
    ZoneReader zone(intake);
    std::string_view rest = head.text;
    while (!rest.empty()) {
        std::string_view line = take_line(rest);
        intake.begin_line();
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        zone.read_line(line);
    }
    if (zone.in_parentheses()) {
        intake.set_truncated("the file ends inside a record");
    }
    return "rpz";
}

} // namespace

const FeedFormat kResponsePolicyZone{"rpz", recognises, read};

} // namespace foregate::control
