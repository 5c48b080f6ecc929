// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/threat_cli.h"

#include "control/threat/feed_name.h"
#include "control/threat/threat_loader.h"
#include "dataplane/threat/threat_db.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <ostream>

namespace foregate::control {

using dataplane::IpAddress;
using dataplane::NameScratch;
using dataplane::ThreatDb;
using dataplane::ThreatEntry;
using Json = nlohmann::ordered_json;

namespace {

Json lines_to_json(const std::vector<FeedLineNote>& lines) {
    Json array = Json::array();
    for (const FeedLineNote& note : lines) {
        array.push_back({{"file", note.file}, {"line", note.line}, {"message", note.message}});
    }
    return array;
}

Json kinds_to_json(const FeedReport& report) {
    Json kinds = Json::object();
    for (std::size_t i = 0; i < kUnmatchedKinds; ++i) {
        kinds[std::string(unmatched_kind_name(static_cast<UnmatchedKind>(i)))] =
            report.unmatched_by_kind[i];
    }
    return kinds;
}

/// As the gateway reads feeds, without its own addresses.
FeedRules offline_rules() {
    FeedRules rules;
    rules.suffixes = PublicSuffixes::of_system();
    rules.now = std::chrono::duration_cast<std::chrono::seconds>(
                    std::chrono::system_clock::now().time_since_epoch())
                    .count();
    return rules;
}

Json report_to_json(const FeedReport& report) {
    return {{"file", report.path},
            {"format", report.format},
            {"lines", report.lines},
            {"entries", report.entries_seen},
            {"loaded", report.loaded},
            {"rejected", report.rejected},
            {"refused", report.refused},
            {"duplicate", report.duplicate},
            {"shadowed", report.shadowed},
            {"unmatched", report.unmatched},
            {"unmatched_kinds", kinds_to_json(report)},
            {"expired", report.expired},
            {"bad_names", report.bad_names},
            {"skipped", report.skipped},
            {"truncated", report.truncated.empty() ? Json(nullptr) : Json(report.truncated)},
            {"rejected_lines", lines_to_json(report.rejected_lines)},
            {"refused_lines", lines_to_json(report.refused_lines)}};
}

void print_lines(const std::vector<FeedLineNote>& lines, std::size_t total, const char* verb,
                 std::ostream& out) {
    for (const FeedLineNote& note : lines) {
        out << note.to_string() << " (" << verb << ")\n";
    }
    if (total > lines.size()) {
        out << "  and " << total - lines.size() << " more " << verb << '\n';
    }
}

void print_report(const FeedReport& report, std::ostream& out) {
    out << report.path << ": " << report.format << ", " << report.lines
        << " lines: " << report.loaded << " loaded, " << report.rejected << " rejected, "
        << report.refused << " refused, " << report.duplicate << " duplicate, " << report.shadowed
        << " shadowed, " << report.unmatched << " not matched yet, " << report.expired
        << " expired, " << report.skipped << " skipped\n";
    for (std::size_t i = 0; i < kUnmatchedKinds; ++i) {
        if (report.unmatched_by_kind[i] > 0) {
            out << "  not matched yet: " << report.unmatched_by_kind[i] << " of kind "
                << unmatched_kind_name(static_cast<UnmatchedKind>(i)) << '\n';
        }
    }
    if (report.bad_names > 0) {
        out << "  " << report.bad_names << " of the rejected are bad names\n";
    }
    if (!report.truncated.empty()) {
        out << "  cut off: " << report.truncated << '\n';
    }
    print_lines(report.refused_lines, report.refused, "refused", out);
    print_lines(report.rejected_lines, report.rejected, "rejected", out);
}

bool is_usable(const FeedReport& report) {
    return report.loaded > 0 || report.unmatched > 0 || report.entries_seen == 0;
}

std::vector<FeedDefinition> feeds_under(const std::string& path) {
    std::vector<FeedDefinition> feeds;
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
        FeedDefinition feed;
        feed.name = std::filesystem::path(path).filename().string();
        feed.path = path;
        return {feed};
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
        if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.')) {
            FeedDefinition feed;
            feed.name = std::filesystem::relative(entry.path(), path).string();
            feed.path = entry.path();
            feeds.push_back(feed);
        }
    }
    std::sort(feeds.begin(), feeds.end(),
              [](const FeedDefinition& a, const FeedDefinition& b) { return a.name < b.name; });
    return feeds;
}

struct MatchAnswer {
    std::string_view verdict;
    const ThreatEntry* entry = nullptr;
};

MatchAnswer match_line(const ThreatDb& db, const std::string& line, NameScratch& scratch) {
    const std::optional<std::string> host = host_of_query(line);
    if (!host) {
        return {"malformed", nullptr};
    }
    const std::optional<IpAddress> address = IpAddress::parse(*host);
    const ThreatEntry* entry = address ? db.match_address(*address) : db.match_name(*host, scratch);
    return {entry != nullptr ? dataplane::threat_action_name(entry->action) : "allow", entry};
}

/// JSON takes UTF-8 only; what else stands in a names file is shown with replacement characters.
std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void print_answer(const ThreatDb& db, const std::string& line, const MatchAnswer& answer, bool json,
                  std::ostream& out) {
    const bool hit = answer.entry != nullptr;
    if (!json) {
        out << line << '\t' << answer.verdict << '\t' << (hit ? db.feed_of(*answer.entry) : "-")
            << '\t' << (hit ? answer.entry->text() : "-") << '\n';
        return;
    }
    Json object{
        {"input", line}, {"verdict", answer.verdict}, {"feed", nullptr}, {"entry", nullptr}};
    if (hit) {
        object["feed"] = db.feed_of(*answer.entry);
        object["entry"] = answer.entry->text();
        object["line"] = answer.entry->line;
    }
    out << dump(object) << '\n';
}

void match_all(const ThreatDb& db, bool json, std::istream& in, std::ostream& out) {
    NameScratch scratch = db.make_scratch();
    std::string line;
    while (std::getline(in, line)) {
        while (!line.empty() &&
               (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) {
            line.pop_back();
        }
        line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
        if (!line.empty()) {
            print_answer(db, line, match_line(db, line, scratch), json, out);
        }
    }
}

} // namespace

std::vector<FeedReport> threat_check(const std::vector<std::string>& files) {
    std::vector<FeedReport> reports;
    for (const std::string& file : files) {
        reports.push_back(read_feed(file, offline_rules()).report);
    }
    return reports;
}

int run_threat_check(const std::vector<std::string>& files, bool json, std::ostream& out,
                     std::ostream& err) {
    if (files.empty()) {
        err << "foregate threat check: expected at least one feed\n";
        return 2;
    }
    int status = 0;
    Json reports = Json::array();
    for (const std::string& file : files) {
        try {
            const FeedReport report = threat_check({file}).front();
            if (json) {
                reports.push_back(report_to_json(report));
            } else {
                print_report(report, out);
            }
            if (!is_usable(report)) {
                err << file << ": no usable entry among " << report.entries_seen << '\n';
                status = 1;
            }
        } catch (const FeedUnreadable& error) {
            err << error.what() << '\n';
            status = 1;
        }
    }
    if (json) {
        out << reports.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
    }
    return status;
}

ThreatDb threat_list_of(const std::string& feeds, std::ostream& err) {
    ThreatSources sources;
    sources.feeds = feeds_under(feeds);
    sources.rules = offline_rules();
    ThreatLoader loader;
    ThreatLoad load = loader.load(sources);
    for (const std::string& note : load.notes) {
        err << note << '\n';
    }
    return ThreatDb::build(std::move(load.input));
}

int run_threat_match(const std::string& feeds, const std::string& names, bool json,
                     std::istream& in, std::ostream& out, std::ostream& err) {
    try {
        const ThreatDb db = threat_list_of(feeds, err);
        if (names == "-") {
            match_all(db, json, in, out);
            return 0;
        }
        std::ifstream file(names);
        if (!file) {
            err << names << ": cannot open: " << std::strerror(errno) << '\n';
            return 1;
        }
        match_all(db, json, file, out);
        return 0;
    } catch (const std::exception& error) {
        err << error.what() << '\n';
        return 1;
    }
}

} // namespace foregate::control
