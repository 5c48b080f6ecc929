// SPDX-License-Identifier: BSD-3-Clause
#include "control/usage/sqlite_statement.h"

#include <sqlite3.h>

#include <algorithm>
#include <limits>

namespace foregate::control {

bool SqlError::corrupt() const noexcept {
    return code_ == SQLITE_CORRUPT || code_ == SQLITE_NOTADB;
}

Statement::Statement(sqlite3* db, std::string_view sql) : db_(db) {
    check(sqlite3_prepare_v2(db, sql.data(), static_cast<int>(sql.size()), &statement_, nullptr));
}

Statement::~Statement() {
    sqlite3_finalize(statement_);
}

void Statement::check(int code) const {
    if (code != SQLITE_OK) {
        throw SqlError(code & 0xff, sqlite3_errmsg(db_));
    }
}

bool Statement::step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code == SQLITE_DONE) {
        check(sqlite3_reset(statement_));
        return false;
    }
    const SqlError error(code & 0xff, sqlite3_errmsg(db_));
    sqlite3_reset(statement_); // repeats the error already at hand
    throw error;
}

void Statement::bind_one(int index, std::int64_t value) {
    check(sqlite3_bind_int64(statement_, index, value));
}

void Statement::bind_one(int index, std::uint64_t value) {
    // SQLite's integers are signed; no counter of one bucket comes near the limit.
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    bind_one(index, static_cast<std::int64_t>(std::min(value, kMost)));
}

void Statement::bind_one(int index, std::string_view value) {
    check(sqlite3_bind_text(statement_, index, value.data(), static_cast<int>(value.size()),
                            SQLITE_TRANSIENT));
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::uint64_t Statement::count(int column) const {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(integer(column), 0));
}

std::string Statement::text(int column) const {
    const auto* bytes = sqlite3_column_text(statement_, column);
    const auto length = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return bytes != nullptr ? std::string(reinterpret_cast<const char*>(bytes), length) : "";
}

void execute(sqlite3* db, const char* sql) {
    const int code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        throw SqlError(code & 0xff, sqlite3_errmsg(db));
    }
}

} // namespace foregate::control
