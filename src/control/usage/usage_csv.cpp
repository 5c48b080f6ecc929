// SPDX-License-Identifier: BSD-3-Clause
#include "control/usage/usage_csv.h"

#include "control/usage/destination_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <istream>
#include <ostream>
#include <string_view>

namespace foregate::control {

namespace {

constexpr const char* kHeader = "bucket,class,app,destination,desktops,connections,failed,"
                                "packets_up,packets_down,bytes_up,bytes_down";
constexpr std::size_t kFieldCount = 11;
using Fields = std::array<std::string_view, kFieldCount>;

// What is wrong with a line; caught by the reader of the file, never leaves this one.
struct BadLine {
    std::string message;
};

Fields split(std::string_view line) {
    Fields fields;
    std::size_t count = 0;
    for (;;) {
        const std::size_t comma = line.find(',');
        if (count < kFieldCount) {
            fields[count] = line.substr(0, comma);
        }
        ++count;
        if (comma == std::string_view::npos) {
            break;
        }
        line.remove_prefix(comma + 1);
    }
    if (count != kFieldCount) {
        throw BadLine{"expected " + std::to_string(kFieldCount) + " fields, found " +
                      std::to_string(count)};
    }
    return fields;
}

template <class Number> Number parse_count(std::string_view text, const char* field) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
        throw BadLine{std::string(field) + " '" + std::string(text) +
                      "': expected a whole number, 0 or more"};
    }
    return value;
}

std::int64_t parse_bucket(std::string_view text, const UsageCsvFormat& format) {
    std::int64_t epoch = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), epoch);
    if (error != std::errc() || end != text.data() + text.size()) {
        const auto local = parse_local_time(text);
        if (!local) {
            throw BadLine{"bucket '" + std::string(text) +
                          "': expected YYYY-MM-DD HH:MM or seconds since 1970"};
        }
        const TimeZone::Resolved resolved = format.zone.to_epoch(*local);
        if (!resolved.exists) {
            throw BadLine{"bucket '" + std::string(text) + "': the clocks skip this time in " +
                          format.zone.name()};
        }
        epoch = resolved.epoch;
    }
    if (AnalyticsClock::bucket_start(epoch, format.bucket) != epoch) {
        throw BadLine{"bucket '" + std::string(text) + "': not the start of a bucket of " +
                      std::to_string(format.bucket.count()) + " s"};
    }
    return epoch;
}

std::uint16_t class_index(std::string_view name, const UsageCsvFormat& format) {
    if (name == kAllClasses) { // beyond the list: fold_usage() takes it for "all"
        return static_cast<std::uint16_t>(format.class_names.size());
    }
    const auto found = std::find(format.class_names.begin(), format.class_names.end(), name);
    if (found == format.class_names.end()) {
        throw BadLine{"class '" + std::string(name) + "' is not in the config"};
    }
    return static_cast<std::uint16_t>(found - format.class_names.begin());
}

std::string destination_of(std::string_view text) {
    if (text == kOtherDestination) {
        return kOtherDestination;
    }
    const auto parts = parse_destination(text);
    if (!parts) {
        throw BadLine{"destination '" + std::string(text) +
                      "': expected name:port, address:port, [v6]:port, prefix:port or other"};
    }
    // One spelling each, so that a series is not split by upper case or a long IPv6 form.
    switch (parts->kind) {
    case DestinationParts::Kind::name:
        return format_destination(parts->name, parts->port);
    case DestinationParts::Kind::address:
        return format_destination(parts->prefix.address, parts->port);
    case DestinationParts::Kind::prefix:
        break;
    }
    return format_destination(parts->prefix, parts->port);
}

UsageCell parse_cell(const Fields& f, const UsageCsvFormat& format) {
    const auto app = dataplane::app_type_from_name(f[2]);
    if (!app) {
        throw BadLine{"app '" + std::string(f[2]) + "' is no application type"};
    }
    UsageCell cell;
    cell.usage_class = class_index(f[1], format);
    cell.app = *app;
    cell.destination = destination_of(f[3]);
    cell.desktops_at_least = parse_count<std::uint32_t>(f[4], "desktops");
    cell.new_connections = parse_count<std::uint64_t>(f[5], "connections");
    cell.failed_connections = parse_count<std::uint64_t>(f[6], "failed");
    cell.packets_up = parse_count<std::uint64_t>(f[7], "packets_up");
    cell.packets_down = parse_count<std::uint64_t>(f[8], "packets_down");
    cell.bytes_up = parse_count<std::uint64_t>(f[9], "bytes_up");
    cell.bytes_down = parse_count<std::uint64_t>(f[10], "bytes_down");
    if (cell.failed_connections > cell.new_connections) {
        throw BadLine{"failed is more than connections"};
    }
    return cell;
}

using Cells = std::map<std::int64_t, std::vector<UsageCell>>;

void read_line(std::string_view line, const UsageCsvFormat& format, Cells& cells) {
    const Fields fields = split(line);
    const std::int64_t bucket = parse_bucket(fields[0], format);
    const bool quiet = std::all_of(fields.begin() + 1, fields.end(),
                                   [](std::string_view field) { return field.empty(); });
    if (quiet) {
        cells[bucket];
        return;
    }
    UsageCell cell = parse_cell(fields, format);
    for (const UsageCell& other : cells[bucket]) {
        if (other.usage_class == cell.usage_class && other.app == cell.app &&
            other.destination == cell.destination) {
            throw BadLine{"this bucket has a row of the same class, app and destination already"};
        }
    }
    cells[bucket].push_back(std::move(cell));
}

std::string bucket_text(const TimeZone& zone, std::int64_t bucket) {
    const auto local = zone.to_local(bucket);
    // The second of two equal local times can only be told by its seconds.
    return zone.to_epoch(local).epoch == bucket ? format_local_time(local) : std::to_string(bucket);
}

} // namespace

UsageCsv read_usage_csv(std::istream& in, const std::string& file_name,
                        const UsageCsvFormat& format) {
    UsageCsv csv;
    Cells cells;
    std::string line;
    bool header = false;
    for (int number = 1; std::getline(in, line); ++number) {
        if (!line.empty() && line.back() == '\r') {
            line.pop_back();
        }
        if (line.empty() || line.front() == '#') {
            continue;
        }
        try {
            if (!header) {
                if (line != kHeader) {
                    throw BadLine{std::string("expected the header ") + kHeader};
                }
                header = true;
                continue;
            }
            read_line(line, format, cells);
            ++csv.rows;
        } catch (const BadLine& bad) {
            csv.errors.push_back(file_name + ":" + std::to_string(number) + ": " + bad.message);
            if (!header) {
                return csv; // no line after it can be trusted
            }
        }
    }
    if (!header) {
        csv.errors.push_back(file_name + ":1: expected the header " + kHeader + ", found nothing");
    }
    if (in.bad()) {
        csv.errors.push_back(file_name + ": reading failed");
    }
    for (const auto& [bucket, rows] : cells) {
        FoldResult folded = fold_usage(rows, bucket, format.class_names, format.min_group);
        csv.folded_rows += folded.folded_rows;
        csv.dropped_rows += folded.dropped_rows;
        csv.buckets.emplace(bucket, std::move(folded.records));
    }
    return csv;
}

void fill_quiet_buckets(UsageCsv& csv, std::chrono::seconds bucket) {
    if (csv.buckets.empty()) {
        return;
    }
    const std::int64_t last = csv.buckets.rbegin()->first;
    for (std::int64_t at = csv.buckets.begin()->first; at < last; at += bucket.count()) {
        csv.buckets[at];
    }
}

void write_usage_csv_header(std::ostream& out) {
    out << kHeader << '\n';
}

void write_usage_csv_bucket(std::ostream& out, const TimeZone& zone, std::int64_t bucket,
                            std::span<const UsageRecord> records) {
    const std::string start = bucket_text(zone, bucket);
    if (records.empty()) {
        out << start << std::string(kFieldCount - 1, ',') << '\n';
    }
    for (const UsageRecord& r : records) {
        out << start << ',' << r.usage_class << ',' << dataplane::app_type_name(r.app) << ','
            << r.destination << ',' << r.desktops << ',' << r.new_connections << ','
            << r.failed_connections << ',' << r.packets_up << ',' << r.packets_down << ','
            << r.bytes_up << ',' << r.bytes_down << '\n';
    }
}

} // namespace foregate::control
