// SPDX-License-Identifier: BSD-3-Clause
// Usage records on disk: SQLite with a write-ahead log, one durable commit per bucket. Control
// thread only.
//
// A bucket is observed or it is a gap: which ones were observed, and for how long, is kept beside
// the rows. An observed bucket without a row for a series is a zero; a gap is missing, never zero.
//
// Faults of the disk never reach traffic: a full, read-only or unreadable disk makes commit() keep
// the bucket in memory (the last kMaxPending of them) and try again at the next one; a corrupt file
// is moved aside (usage.db -> usage.db.bad-1, ...) and a new store begun. status() says so.
#pragma once

#include "control/usage/usage_record.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

struct sqlite3;

namespace foregate::control {

enum class Metric : std::uint8_t { bytes_up, bytes_down, connections, desktops };
inline constexpr std::size_t kMetricCount = 4;
[[nodiscard]] const char* metric_name(Metric metric) noexcept;

/// Values of one series on consecutive buckets [from, to): NaN where the bucket is a gap.
using SeriesValues = std::array<std::vector<double>, kMetricCount>; ///< by Metric

struct SeriesWeight {
    SeriesKey key;
    std::uint64_t bytes = 0; ///< both directions
    std::uint64_t connections = 0;
};

struct StoreStatus {
    bool writable = false;
    std::string note; ///< the last fault, for a person; "" when all went well
    std::uint64_t failed_commits = 0;
    std::uint64_t lost_buckets = 0; ///< given up for lack of memory while the disk failed
    std::size_t pending_buckets = 0;
};

struct ObservedBucket {
    std::int64_t start = 0;
    std::chrono::seconds observed{0}; ///< for how long of it anybody looked
    std::vector<UsageRecord> records;
};

enum class Merge : std::uint8_t {
    add,     ///< to what the bucket holds already (a restart in mid bucket)
    replace, ///< an import: the bucket's former rows go
};

class UsageStore {
public:
    static constexpr std::size_t kMaxPending = 288;

    /// Opens or creates. A sick disk is not an error here (see above). Throws std::runtime_error if
    /// the store was made with another bucket length.
    UsageStore(std::filesystem::path file, std::chrono::seconds bucket);
    ~UsageStore();
    UsageStore(const UsageStore&) = delete;
    UsageStore& operator=(const UsageStore&) = delete;

    /// One bucket: its rows, and for how many of its seconds it was observed. A bucket observed for
    /// less than nine tenths stays a gap for series(). False: kept in memory, status() says why.
    bool commit(std::int64_t bucket, std::chrono::seconds observed,
                std::span<const UsageRecord> records, Merge merge = Merge::add);

    /// Many buckets in one transaction, all or none. False: nothing was written, nor is anything
    /// kept for later.
    bool import(std::span<const ObservedBucket> buckets);

    /// Buckets [from, to), both bucket starts.
    [[nodiscard]] std::vector<double> series(const SeriesKey& key, Metric metric, std::int64_t from,
                                             std::int64_t to);
    [[nodiscard]] SeriesValues series(const SeriesKey& key, std::int64_t from, std::int64_t to);
    /// The sum over all destinations of a class and application type but the ones named; of
    /// desktops the largest number, since they overlap.
    [[nodiscard]] SeriesValues rest_series(const std::string& usage_class, AppType app,
                                           std::span<const std::string> without, std::int64_t from,
                                           std::int64_t to);
    /// Every series with a row in [from, to), heaviest first: by share of all bytes plus share of
    /// all connections.
    [[nodiscard]] std::vector<SeriesWeight> heaviest(std::int64_t from, std::int64_t to);
    /// Oldest bucket with a row of the class; nullopt: none.
    [[nodiscard]] std::optional<std::int64_t> first_bucket(const std::string& usage_class);
    /// How many buckets of [from, to) were observed.
    [[nodiscard]] std::size_t observed_buckets(std::int64_t from, std::int64_t to);
    /// Oldest and latest observed bucket.
    struct Span {
        std::int64_t first = 0;
        std::int64_t last = 0;
    };
    [[nodiscard]] std::optional<Span> span();

    /// Every bucket of [from, to), oldest first, gaps left out; records sorted by key.
    /// False if reading failed on the way.
    bool each_bucket(std::int64_t from, std::int64_t to,
                     const std::function<void(const ObservedBucket&)>& visit);
    /// Removes buckets before `before`; returns how many, 0 also when it failed.
    std::size_t prune(std::int64_t before);

    [[nodiscard]] const StoreStatus& status() const noexcept { return status_; }
    [[nodiscard]] std::chrono::seconds bucket() const noexcept { return bucket_; }

private:
    struct Pending {
        ObservedBucket bucket;
        Merge merge = Merge::add;
    };
    struct Close {
        void operator()(sqlite3* db) const noexcept;
    };
    void open();
    void open_once();
    void prepare_schema();
    void move_aside(const std::string& why);
    void write_bucket(const ObservedBucket& bucket, Merge merge);
    /// Runs `work` on the open database; whatever it throws becomes a note, and a corrupt file is
    /// moved aside. False if it threw or there is no database.
    bool guarded(const char* what, const std::function<void()>& work);
    /// For buckets [from, to): 0 where observed, NaN where not. Good until the next call or write.
    const std::vector<double>& blank(std::int64_t from, std::int64_t to);

    std::filesystem::path file_;
    std::chrono::seconds bucket_;
    std::unique_ptr<sqlite3, Close> db_;
    std::deque<Pending> pending_;
    StoreStatus status_;
    /// The last blank(): many series are read over the same window.
    struct Blank {
        std::int64_t from = 0;
        std::int64_t to = 0;
        std::vector<double> values;
    };
    std::optional<Blank> blank_; ///< forgotten at every write, for what this process wrote
};

} // namespace foregate::control
