// SPDX-License-Identifier: BSD-3-Clause
// Compiled patterns on disk, so that a start does not compile what an earlier one has compiled. Hyperscan trusts what it
// is given to load, so a file counts only if it is ours (owner, nobody else may write it or its folder) and whole (key,
// length, SHA-256). Control core, at start and at reload; nothing here throws but std::bad_alloc.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::dataplane {

using Sha256 = std::array<std::uint8_t, 32>;

/// By libcrypto, piece by piece. Lengths go in with the pieces: "ab","c" is not "a","bc".
class Sha256Sum {
public:
    Sha256Sum();
    ~Sha256Sum();
    Sha256Sum(const Sha256Sum&) = delete;
    Sha256Sum& operator=(const Sha256Sum&) = delete;

    void add(std::string_view text);
    void add(std::uint64_t number);
    /// Nothing when libcrypto refused anything.
    [[nodiscard]] std::optional<Sha256> take();

private:
    void* context_;
    bool good_;
};

/// A folder of entries. Not thread-safe; several processes may share the folder.
class PatternCache {
public:
    static constexpr std::size_t kMostEntries = 20; ///< a catalogue has five

    /// tidy() leaves `most_entries`.
    explicit PatternCache(std::filesystem::path folder, std::size_t most_entries = kMostEntries)
        : folder_(std::move(folder)), most_entries_(most_entries) {}

    /// The entry's bytes; nothing when there is none that can be trusted.
    [[nodiscard]] std::optional<std::vector<std::uint8_t>> load(const Sha256& key);
    /// In one step: a reader sees the old entry or the whole new one. Makes the folder; what cannot be written is
    /// noted, and no error.
    void save(const Sha256& key, std::span<const std::uint8_t> bytes);
    /// True: there is such an entry, and it counts as used now.
    [[nodiscard]] bool touch(const Sha256& key) const;
    /// An entry that load() has given is of no use.
    void refuse(const Sha256& key, std::string_view why);
    /// Removes all but the entries that were used last, and what a killed process has left half-written.
    void tidy() const;

    /// Entries that were not trusted, each with its reason.
    [[nodiscard]] const std::vector<std::string>& refused() const noexcept { return refused_; }
    /// Entries that could not be written, likewise.
    [[nodiscard]] const std::vector<std::string>& unwritten() const noexcept { return unwritten_; }
    [[nodiscard]] unsigned loaded() const noexcept { return loaded_; } ///< entries found
    [[nodiscard]] std::filesystem::path path_of(const Sha256& key) const;

private:
    std::filesystem::path folder_;
    std::size_t most_entries_;
    std::vector<std::string> refused_, unwritten_;
    bool folder_refused_ = false; ///< then nothing is written there, either
    unsigned loaded_ = 0;
};

} // namespace foregate::dataplane
