// SPDX-License-Identifier: BSD-3-Clause
// JSON feeds: STIX 2 bundles, MISP events and warning lists, abuse.ch's exports, Suricata's
// datasets with JSON, arrays of words; one document, or one a line. Objects are looked at when they
// end and forgotten, so that memory is bounded by the largest one.
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"
#include "control/threat/formats/indicator_objects.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <stdexcept>

namespace foregate::control {

using Json = nlohmann::json;

namespace {

constexpr int kMaxDepth = 32;

/// The text's bytes, one after the other, counting lines as they go by.
class CountingBytes {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountingBytes(const char* at, std::uint32_t* lines) : at_(at), lines_(lines) {}
    reference operator*() const { return *at_; }
    CountingBytes& operator++() {
        *lines_ += *at_ == '\n' ? 1 : 0;
        ++at_;
        return *this;
    }
    CountingBytes operator++(int) {
        CountingBytes before = *this;
        ++*this;
        return before;
    }
    bool operator==(const CountingBytes& other) const { return at_ == other.at_; }

private:
    const char* at_;
    std::uint32_t* lines_;
};

struct TooDeep : std::runtime_error {
    TooDeep() : std::runtime_error("nested more than 32 deep") {}
};

class DocumentReader {
public:
    DocumentReader(std::string_view text, FeedIntake& intake)
        : intake_(intake), dialect_(dialect_of(text)) {}

    /// Why the text is no JSON document, or empty. `first_line` is where it begins in the file.
    std::string read(std::string_view text, std::uint32_t first_line) {
        lines_ = first_line;
        string_line_ = first_line;
        const auto filter = [this](int depth, Json::parse_event_t event, Json& parsed) {
            return see(depth, event, parsed);
        };
        try {
            const Json whole =
                Json::parse(CountingBytes(text.data(), &lines_),
                            CountingBytes(text.data() + text.size(), &lines_), filter);
            return {};
        } catch (const Json::exception&) {
            return "no complete JSON";
        } catch (const TooDeep& error) {
            return error.what();
        }
    }

    [[nodiscard]] bool understood() const noexcept { return understood_; }
    [[nodiscard]] const std::string& kind() const noexcept { return kind_; }
    [[nodiscard]] std::uint32_t line() const noexcept { return lines_; }

private:
    /// Called for each part as it ends; false forgets it.
    bool see(int depth, Json::parse_event_t event, Json& parsed) {
        if (depth > kMaxDepth) {
            throw TooDeep();
        }
        if (event == Json::parse_event_t::array_start && depth == 0) {
            list_of_words_ = true;
        } else if (event == Json::parse_event_t::key) {
            const auto& key = parsed.get_ref<const std::string&>();
            if (key == "pattern" || key == "value" || key == "list" || key == "ioc_value" ||
                key == "host" || key == "ip" || key == "url" || key == "domain") {
                string_line_ = lines_;
            }
        } else if (event == Json::parse_event_t::value && depth == 1 && list_of_words_ &&
                   parsed.is_string()) {
            intake_.set_line(lines_);
            intake_.add_word(parsed.get_ref<const std::string&>());
            note_kind("json words");
            return false;
        } else if (event == Json::parse_event_t::object_end) {
            look_at(parsed);
            return false;
        }
        return true;
    }

    enum class Dialect : std::uint8_t { stix, misp, other };

    /// Bundles and events mention URLs beside their indicators, as sources and in descriptions;
    /// so what stands in them is not taken for a record.
    static Dialect dialect_of(std::string_view text) {
        if (text.find("\"bundle--") != std::string_view::npos) {
            return Dialect::stix;
        }
        const bool misp = text.find("\"Attribute\"") != std::string_view::npos ||
                          text.find("\"to_ids\"") != std::string_view::npos;
        return misp ? Dialect::misp : Dialect::other;
    }

    void look_at(const Json& object) {
        intake_.set_line(string_line_);
        const bool other = dialect_ == Dialect::other;
        if (dialect_ != Dialect::misp && read_stix_indicator(object, intake_)) {
            note_kind("stix");
        } else if (dialect_ != Dialect::stix && read_misp_attribute(object, intake_)) {
            note_kind("misp");
        } else if (other && read_warning_list(object, intake_)) {
            note_kind("misp warning list");
        } else if (other && read_record(object, intake_)) {
            note_kind("json records");
        } else if (dialect_ == Dialect::stix && object.contains("objects")) {
            note_kind("stix"); // a bundle without indicators lists nothing, which is no mistake
        }
    }

    void note_kind(const char* kind) {
        understood_ = true;
        if (kind_.empty()) {
            kind_ = kind;
        }
    }

    FeedIntake& intake_;
    Dialect dialect_;
    std::uint32_t lines_ = 1;
    std::uint32_t string_line_ = 1; ///< where the last interesting member stands
    bool list_of_words_ = false;
    bool understood_ = false;
    std::string kind_;
};

bool recognises(const FeedHead& head) {
    const std::size_t first = head.text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) {
        return false;
    }
    if (head.text[first] == '{') {
        return true;
    }
    const std::size_t second = head.text.find_first_not_of(" \t\r\n", first + 1);
    return head.text[first] == '[' && second != std::string_view::npos &&
           std::string_view("{\"]").find(head.text[second]) != std::string_view::npos;
}

/// One document a line: the first line is one, and there is a second.
bool is_one_a_line(std::string_view text) {
    std::string_view rest = text;
    const std::string_view first = trimmed(take_line(rest));
    return trimmed(rest).starts_with('{') && first.starts_with('{') && Json::accept(first);
}

std::string read(const FeedHead& head, FeedIntake& intake) {
    DocumentReader reader(head.text, intake);
    std::string_view rest = head.text;
    if (is_one_a_line(head.text)) {
        while (!rest.empty()) {
            const bool unended = rest.find('\n') == std::string_view::npos;
            const std::string_view line = trimmed(take_line(rest));
            intake.begin_line();
            const std::uint32_t here = intake.line();
            const std::string why = line.empty() ? std::string() : reader.read(line, here);
            intake.set_line(here);
            if (!why.empty()) {
                intake.reject(line.substr(0, 64), why);
                if (unended) {
                    intake.set_truncated("the file ends inside a record");
                }
            }
        }
    } else {
        const std::string why = reader.read(head.text, 1);
        const std::uint32_t last = reader.line();
        intake.count_lines(head.text);
        if (!why.empty()) {
            intake.set_line(last);
            intake.reject(head.text.substr(0, 32), why);
            intake.set_truncated(why);
        }
    }
    if (!reader.understood() && intake.rejected() == 0) {
        intake.reject(head.text.substr(0, 32), "JSON without anything that lists a destination");
    }
    return reader.kind().empty() ? "json" : reader.kind();
}

} // namespace

const FeedFormat kJsonFormat{"json", recognises, read};

} // namespace foregate::control
