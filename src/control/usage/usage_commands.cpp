// SPDX-License-Identifier: BSD-3-Clause
// `foregate usage import|export|prune`.
#include "control/usage/usage_csv.h"
#include "control/usage/usage_store.h"

#include <fstream>
#include <iostream>
#include <ostream>
#include <stdexcept>

namespace foregate::control {

namespace {

UsageCsvFormat format_of(const Config& config) {
    UsageCsvFormat format;
    format.zone = TimeZone(config.analytics.time_zone);
    format.bucket = config.analytics.bucket;
    format.min_group = config.analytics.min_group;
    for (const ClassConfig& usage_class : config.classes) {
        format.class_names.push_back(usage_class.name);
    }
    return format;
}

// Exceptions of set-up (zone, bucket length) become an error line and status 1.
template <class Command> int reported(std::ostream& err, Command&& command) {
    try {
        return command();
    } catch (const std::runtime_error& e) {
        err << e.what() << '\n';
        return 1;
    }
}

UsageCsv read_file(const UsageImportOptions& options, const UsageCsvFormat& format) {
    if (options.file == "-") {
        return read_usage_csv(std::cin, "-", format);
    }
    std::ifstream file(options.file);
    if (!file) {
        throw std::runtime_error(options.file.string() + ": cannot be read");
    }
    return read_usage_csv(file, options.file.string(), format);
}

int import_file(const Config& config, const UsageImportOptions& options, std::ostream& out,
                std::ostream& err) {
    const UsageCsvFormat format = format_of(config);
    UsageCsv csv = read_file(options, format);
    for (const std::string& error : csv.errors) {
        err << error << '\n';
    }
    if (!csv.errors.empty() && (!options.skip_bad || csv.rows == 0)) {
        err << "nothing was imported: " << csv.errors.size() << " bad lines\n";
        return 1;
    }
    if (options.dense) {
        fill_quiet_buckets(csv, format.bucket);
    }
    std::vector<ObservedBucket> buckets;
    std::size_t records = 0;
    for (auto& [start, rows] : csv.buckets) {
        records += rows.size();
        buckets.push_back({start, format.bucket, std::move(rows)});
    }
    UsageStore store(usage_database(config), format.bucket);
    if (!store.import(buckets)) {
        err << store.status().note << "\nnothing was imported\n";
        return 1;
    }
    out << "imported " << records << " records in " << buckets.size() << " buckets from "
        << csv.rows << " rows; " << csv.folded_rows << " rows of fewer than " << format.min_group
        << " desktops folded into \"other\", " << csv.dropped_rows << " dropped, "
        << csv.errors.size() << " bad lines skipped\n";
    return 0;
}

int export_store(const Config& config, const UsageExportOptions& options, std::ostream& out,
                 std::ostream& err) {
    const TimeZone zone(config.analytics.time_zone);
    UsageStore store(usage_database(config), config.analytics.bucket);
    write_usage_csv_header(out);
    bool read = store.status().note.empty();
    if (const auto span = store.span(); read && span) {
        const std::int64_t from = options.from ? zone.to_epoch(*options.from).epoch : span->first;
        const std::int64_t to = options.to ? zone.to_epoch(*options.to).epoch : span->last + 1;
        read = store.each_bucket(from, to, [&](const ObservedBucket& bucket) {
            // A bucket observed in part is a gap for whoever imports this, too.
            if (bucket.observed * 10 >= config.analytics.bucket * 9) {
                write_usage_csv_bucket(out, zone, bucket.start, bucket.records);
            }
        });
    }
    out.flush();
    if (!read || !store.status().note.empty() || !out) {
        err << (out ? store.status().note : std::string("writing the export failed")) << '\n';
        return 1;
    }
    return 0;
}

} // namespace

std::filesystem::path usage_database(const Config& config) {
    return config.analytics.database.empty() ? config.system.state_dir / "usage.db"
                                             : config.analytics.database;
}

int run_usage_import(const Config& config, const UsageImportOptions& options, std::ostream& out,
                     std::ostream& err) {
    return reported(err, [&] { return import_file(config, options, out, err); });
}

int run_usage_export(const Config& config, const UsageExportOptions& options, std::ostream& out,
                     std::ostream& err) {
    return reported(err, [&] { return export_store(config, options, out, err); });
}

int run_usage_prune(const Config& config, const UsagePruneOptions& options, std::ostream& out,
                    std::ostream& err) {
    return reported(err, [&] {
        const TimeZone zone(config.analytics.time_zone);
        UsageStore store(usage_database(config), config.analytics.bucket);
        const std::size_t removed = store.prune(zone.to_epoch(options.before).epoch);
        if (!store.status().note.empty()) {
            err << store.status().note << '\n';
            return 1;
        }
        out << "removed " << removed << " buckets before " << format_local_time(options.before)
            << '\n';
        return 0;
    });
}

} // namespace foregate::control
