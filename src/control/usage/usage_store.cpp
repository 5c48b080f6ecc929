// SPDX-License-Identifier: BSD-3-Clause
// Opening, writing and the state of the store's file; its series are read in usage_series.cpp.
#include "control/usage/usage_store.h"

#include "control/usage/sqlite_statement.h"

#include <sqlite3.h>

#include <algorithm>
#include <stdexcept>

namespace foregate::control {

namespace {

constexpr int kSchemaVersion = 1;
constexpr int kBusyWaitMs = 250;

// Names stand once each; a usage row is numbers only. WITHOUT ROWID keeps one series' rows side by
// side, which is the way they are read.
constexpr const char* kSchema = R"sql(
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS class (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS app (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS destination (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS bucket (start INTEGER PRIMARY KEY, observed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS usage (
    class INTEGER NOT NULL, app INTEGER NOT NULL, destination INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    desktops INTEGER NOT NULL, connections INTEGER NOT NULL, failed INTEGER NOT NULL,
    packets_up INTEGER NOT NULL, packets_down INTEGER NOT NULL,
    bytes_up INTEGER NOT NULL, bytes_down INTEGER NOT NULL,
    PRIMARY KEY (class, app, destination, bucket)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS usage_by_bucket ON usage (bucket);
)sql";

constexpr const char* kInsert = R"sql(
INSERT INTO usage (bucket, class, app, destination, desktops, connections, failed,
                   packets_up, packets_down, bytes_up, bytes_down)
VALUES (?1, (SELECT id FROM class WHERE name = ?2), (SELECT id FROM app WHERE name = ?3),
        (SELECT id FROM destination WHERE name = ?4), ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT DO UPDATE SET
    desktops = max(desktops, excluded.desktops), connections = connections + excluded.connections,
    failed = failed + excluded.failed, packets_up = packets_up + excluded.packets_up,
    packets_down = packets_down + excluded.packets_down, bytes_up = bytes_up + excluded.bytes_up,
    bytes_down = bytes_down + excluded.bytes_down
)sql";

} // namespace

void UsageStore::Close::operator()(sqlite3* db) const noexcept {
    sqlite3_close_v2(db);
}

UsageStore::UsageStore(std::filesystem::path file, std::chrono::seconds bucket)
    : file_(std::move(file)), bucket_(bucket) {
    if (bucket.count() < 1) {
        throw std::runtime_error("usage store: a bucket must last at least a second");
    }
    open();
}

UsageStore::~UsageStore() = default;

// Sets db_ or leaves a note. Only a store made for another bucket length or by a newer program
// throws.
void UsageStore::open() {
    for (int attempt = 0; attempt < 2; ++attempt) {
        try {
            open_once();
            return;
        } catch (const SqlError& e) {
            db_.reset();
            status_.writable = false;
            status_.note = file_.string() + ": " + e.what();
            if (!e.corrupt()) {
                return;
            }
            move_aside(e.what());
        }
    }
}

void UsageStore::open_once() {
    std::error_code ignored; // the open below fails with a better message
    if (file_.has_parent_path()) {
        std::filesystem::create_directories(file_.parent_path(), ignored);
    }
    sqlite3* raw = nullptr;
    const int code =
        sqlite3_open_v2(file_.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    db_.reset(raw);
    if (code != SQLITE_OK) {
        throw SqlError(code & 0xff, raw != nullptr ? sqlite3_errmsg(raw) : "out of memory");
    }
    sqlite3_busy_timeout(raw, kBusyWaitMs);
    Statement check(raw, "PRAGMA quick_check(1)");
    if (!check.step() || check.text(0) != "ok") {
        throw SqlError(SQLITE_CORRUPT, "integrity check failed");
    }
    check.run();
    status_.writable = sqlite3_db_readonly(raw, "main") == 0;
    if (status_.writable) {
        std::filesystem::permissions(file_,
                                     std::filesystem::perms::owner_read |
                                         std::filesystem::perms::owner_write |
                                         std::filesystem::perms::group_read,
                                     ignored);
        execute(raw, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    } else {
        status_.note = file_.string() + ": read-only";
    }
    prepare_schema();
}

void UsageStore::prepare_schema() {
    Statement version(db_.get(), "PRAGMA user_version");
    version.step();
    const std::int64_t found = version.integer(0);
    version.run();
    if (found > kSchemaVersion) {
        throw std::runtime_error(file_.string() + ": made by a newer version of foregate (schema " +
                                 std::to_string(found) + ")");
    }
    if (status_.writable && found < kSchemaVersion) {
        execute(db_.get(), "BEGIN IMMEDIATE");
        try {
            execute(db_.get(), kSchema);
            Statement(db_.get(), "INSERT OR IGNORE INTO meta VALUES ('bucket_seconds', ?)")
                .bind(std::int64_t{bucket_.count()})
                .run();
            execute(db_.get(), "PRAGMA user_version = 1; COMMIT");
        } catch (...) {
            sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
            throw;
        }
    }
    Statement meta(db_.get(), "SELECT value FROM meta WHERE key = 'bucket_seconds'");
    if (meta.step() && meta.integer(0) != bucket_.count()) {
        throw std::runtime_error(file_.string() + ": holds buckets of " +
                                 std::to_string(meta.integer(0)) + " s, the config says " +
                                 std::to_string(bucket_.count()) +
                                 " s; keep the former length or move the file away");
    }
}

void UsageStore::move_aside(const std::string& why) {
    db_.reset();
    blank_.reset();
    std::error_code error;
    std::filesystem::path aside;
    for (int number = 1; number < 1000; ++number) {
        aside = file_.string() + ".bad-" + std::to_string(number);
        if (!std::filesystem::exists(aside, error)) {
            break;
        }
    }
    std::filesystem::rename(file_, aside, error);
    for (const char* suffix : {"-wal", "-shm"}) {
        std::error_code ignored; // they need not exist
        std::filesystem::rename(file_.string() + suffix, aside.string() + suffix, ignored);
    }
    status_.note = file_.string() + ": " + why + "; " +
                   (error ? "and could not be moved aside: " + error.message()
                          : "moved to " + aside.string() + ", a new store was begun");
}

bool UsageStore::guarded(const char* what, const std::function<void()>& work) {
    if (!db_) {
        return false;
    }
    try {
        work();
        return true;
    } catch (const SqlError& e) {
        sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr); // fails when none is open
        status_.note = file_.string() + ": " + what + ": " + e.what();
        if (e.corrupt()) {
            move_aside(e.what());
            const std::string moved = status_.note;
            open();
            status_.note = db_ ? moved : status_.note;
        }
        return false;
    }
}

void UsageStore::write_bucket(const ObservedBucket& bucket, Merge merge) {
    sqlite3* db = db_.get();
    if (merge == Merge::replace) {
        Statement(db, "DELETE FROM usage WHERE bucket = ?").bind(bucket.start).run();
        Statement(db, "DELETE FROM bucket WHERE start = ?").bind(bucket.start).run();
    }
    const std::int64_t length = bucket_.count();
    Statement(db, "INSERT INTO bucket VALUES (?1, ?2) "
                  "ON CONFLICT DO UPDATE SET observed = min(observed + ?2, ?3)")
        .bind(bucket.start, std::clamp<std::int64_t>(bucket.observed.count(), 0, length), length)
        .run();
    Statement add_class(db, "INSERT OR IGNORE INTO class (name) VALUES (?)");
    Statement add_app(db, "INSERT OR IGNORE INTO app (name) VALUES (?)");
    Statement add_destination(db, "INSERT OR IGNORE INTO destination (name) VALUES (?)");
    Statement insert(db, kInsert);
    for (const UsageRecord& r : bucket.records) {
        const std::string_view app = dataplane::app_type_name(r.app);
        add_class.bind(r.usage_class).run();
        add_app.bind(app).run();
        add_destination.bind(r.destination).run();
        insert
            .bind(bucket.start, r.usage_class, app, r.destination, r.desktops, r.new_connections,
                  r.failed_connections, r.packets_up, r.packets_down, r.bytes_up, r.bytes_down)
            .run();
    }
}

bool UsageStore::commit(std::int64_t bucket, std::chrono::seconds observed,
                        std::span<const UsageRecord> records, Merge merge) {
    blank_.reset();
    pending_.push_back({{bucket, observed, {records.begin(), records.end()}}, merge});
    bool written = false;
    try {
        if (!db_) {
            open();
        }
        while (!pending_.empty()) {
            written = guarded("commit", [this] {
                execute(db_.get(), "BEGIN IMMEDIATE");
                write_bucket(pending_.front().bucket, pending_.front().merge);
                execute(db_.get(), "COMMIT");
            });
            if (!written) {
                break;
            }
            pending_.pop_front();
        }
    } catch (const std::runtime_error& e) { // another store has taken the file's place
        db_.reset();
        status_.note = e.what();
        written = false;
    }
    status_.failed_commits += written ? 0 : 1;
    status_.writable = written;
    while (pending_.size() > kMaxPending) {
        pending_.pop_front();
        ++status_.lost_buckets;
    }
    status_.pending_buckets = pending_.size();
    return written;
}

bool UsageStore::import(std::span<const ObservedBucket> buckets) {
    blank_.reset();
    return guarded("import", [&] {
        execute(db_.get(), "BEGIN IMMEDIATE");
        for (const ObservedBucket& bucket : buckets) {
            write_bucket(bucket, Merge::replace);
        }
        execute(db_.get(), "COMMIT");
    });
}

std::size_t UsageStore::prune(std::int64_t before) {
    blank_.reset();
    std::size_t removed = 0;
    const bool done = guarded("prune", [&] {
        sqlite3* db = db_.get();
        execute(db, "BEGIN IMMEDIATE");
        Statement(db, "DELETE FROM usage WHERE bucket < ?").bind(before).run();
        Statement(db, "DELETE FROM bucket WHERE start < ?").bind(before).run();
        removed = static_cast<std::size_t>(sqlite3_changes(db));
        // Names that nothing refers to any more go too: pruned means gone.
        execute(db, "DELETE FROM destination WHERE id NOT IN (SELECT destination FROM usage)");
        execute(db, "DELETE FROM class WHERE id NOT IN (SELECT class FROM usage)");
        execute(db, "COMMIT");
    });
    return done ? removed : 0;
}

} // namespace foregate::control
