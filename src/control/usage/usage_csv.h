// SPDX-License-Identifier: BSD-3-Clause
// The usage store as text, and the commands `foregate usage import|export|prune`. Control thread or
// command line only.
//
// Header line, then one row per record:
//   bucket,class,app,destination,desktops,connections,failed,
//   packets_up,packets_down,bytes_up,bytes_down                          (in one line)
// bucket: start of the bucket, as `YYYY-MM-DD HH:MM` in the config's time zone or as seconds since
// 1970 UTC; app: an application type's name; destination: `name:port`, `address:port`,
// `[v6]:port`, `prefix:port` or `other`. Blank lines and lines that begin with # are skipped.
// Only the buckets named in the file count as observed, others are gaps. A row with nothing but a
// bucket (`2026-11-22 03:00,,,,,,,,,,`) says: observed, and nothing was seen.
#pragma once

#include "control/config/config.h"
#include "control/usage/analytics_clock.h"
#include "control/usage/usage_fold.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace foregate::control {

class UsageStore;

struct UsageCsvFormat {
    TimeZone zone;
    std::chrono::seconds bucket{300};
    unsigned min_group = 5;
    std::vector<std::string> class_names; ///< besides "all"; others are errors
};

struct UsageCsv {
    std::map<std::int64_t, std::vector<UsageRecord>> buckets; ///< folded; by bucket start
    std::vector<std::string> errors;                          ///< `file:line: message`
    std::uint64_t rows = 0;                                   ///< good ones
    std::uint64_t folded_rows = 0;  ///< below the minimum group size: into "other"
    std::uint64_t dropped_rows = 0; ///< too few even for class "all"
};

/// Reads and checks everything, throws nothing: what is wrong stands in `errors`.
[[nodiscard]] UsageCsv read_usage_csv(std::istream& in, const std::string& file_name,
                                      const UsageCsvFormat& format);
/// Fills in the buckets between the first and the last that the file does not name: observed, and
/// nothing was seen.
void fill_quiet_buckets(UsageCsv& csv, std::chrono::seconds bucket);

void write_usage_csv_header(std::ostream& out);
void write_usage_csv_bucket(std::ostream& out, const TimeZone& zone, std::int64_t bucket,
                            std::span<const UsageRecord> records);

/// The file of the store that the config means.
[[nodiscard]] std::filesystem::path usage_database(const Config& config);

struct UsageImportOptions {
    std::filesystem::path file; ///< "-": standard input
    bool skip_bad = false;      ///< import the good lines though others are bad
    bool dense = false;         ///< fill_quiet_buckets()
};
struct UsageExportOptions {
    std::optional<std::chrono::local_seconds> from; ///< inclusive; default: the oldest
    std::optional<std::chrono::local_seconds> to;   ///< exclusive; default: the latest
};
struct UsagePruneOptions {
    std::chrono::local_seconds before{};
};

/// The three commands. Return the exit status: 0 only when all went well. A bucket that is in the
/// store already is replaced by an import. Diagnostics go to `err`.
int run_usage_import(const Config& config, const UsageImportOptions& options, std::ostream& out,
                     std::ostream& err);
int run_usage_export(const Config& config, const UsageExportOptions& options, std::ostream& out,
                     std::ostream& err);
int run_usage_prune(const Config& config, const UsagePruneOptions& options, std::ostream& out,
                    std::ostream& err);

} // namespace foregate::control
