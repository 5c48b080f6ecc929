// SPDX-License-Identifier: BSD-3-Clause
// One prepared SQLite statement. Errors are thrown as SqlError; the store turns them into notes.
// Control thread only.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace foregate::control {

class SqlError : public std::runtime_error {
public:
    SqlError(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
    /// The file is damaged or no database at all.
    [[nodiscard]] bool corrupt() const noexcept;

private:
    int code_; ///< SQLite's primary result code
};

class Statement {
public:
    Statement(sqlite3* db, std::string_view sql);
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    /// Binds parameters from the first on. Text is copied.
    template <class... Values> Statement& bind(const Values&... values) {
        int index = 0;
        (bind_one(++index, values), ...);
        return *this;
    }
    /// True: a row is there to read. False: done, and ready to be bound again.
    bool step();
    /// For statements without rows.
    void run() {
        while (step()) {
        }
    }
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::uint64_t count(int column) const; ///< never negative
    [[nodiscard]] std::string text(int column) const;

private:
    void bind_one(int index, std::int64_t value);
    void bind_one(int index, std::uint64_t value);
    void bind_one(int index, std::uint32_t value) {
        bind_one(index, static_cast<std::int64_t>(value));
    }
    void bind_one(int index, std::string_view value);
    void bind_one(int index, const std::string& value) { bind_one(index, std::string_view(value)); }
    void check(int code) const;

    sqlite3* db_;
    sqlite3_stmt* statement_ = nullptr;
};

/// Runs statements without parameters or results.
void execute(sqlite3* db, const char* sql);

} // namespace foregate::control
