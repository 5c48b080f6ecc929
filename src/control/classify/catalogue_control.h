// SPDX-License-Identifier: BSD-3-Clause
// Keeps the catalogue in force: compiles it beside the control thread, publishes it, watches the operator's files.
#pragma once

#include "control/publisher.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace foregate::control {

/// Control thread only; a reload compiles on a thread of its own. A reload that fails leaves what is in force.
class CatalogueControl {
public:
    CatalogueControl(const Config& config, unsigned workers, Publisher& publisher);
    ~CatalogueControl();

    /// Puts the parsers alone in force at once, which find every name, and begins the first load: signatures take seconds
    /// to compile, and nobody's traffic waits for them. Throws ConfigError for files that cannot be read; a pattern that
    /// does not compile is logged, and the built-in catalogue comes in force without the operator's files.
    void load_first();
    /// Begins a load; false when one is running (another follows it).
    bool reload();
    /// Takes a finished load; looks at the files now and then.
    void tick(std::chrono::steady_clock::time_point now);

    /// Null before load_first().
    [[nodiscard]] const dataplane::Catalogue* catalogue() const noexcept {
        return tables_ ? &tables_->catalogue : nullptr;
    }
    /// "TLS.Teams", "SSH"; empty when nothing is known.
    [[nodiscard]] std::string name_of(std::uint16_t protocol, std::uint16_t application) const;
    [[nodiscard]] std::uint64_t loads() const noexcept { return loads_; }
    [[nodiscard]] const std::string& last_error() const noexcept { return last_error_; }
    [[nodiscard]] std::chrono::milliseconds load_took() const noexcept { return load_took_; }
    [[nodiscard]] const std::vector<std::filesystem::path>& files() const noexcept { return files_; }

private:
    struct Outcome {
        std::shared_ptr<const dataplane::CatalogueTables> tables;
        std::chrono::milliseconds took{};
        unsigned from_cache = 0;        ///< databases that did not have to be compiled
        std::vector<std::string> refused, unwritten; ///< entries of the cache
    };
    using Files = std::vector<std::filesystem::path>;
    [[nodiscard]] static Outcome load_now(const Files& files, const std::filesystem::path& cache_folder,
                                          const dataplane::Catalogue* before, unsigned workers);
    void put_in_force(Outcome outcome);
    [[nodiscard]] std::vector<std::filesystem::file_time_type> file_times() const;

    const Files files_;
    const std::filesystem::path cache_; ///< folder of compiled patterns
    bool built_in_only_ = false; ///< the operator's files did not compile at the start
    const unsigned workers_;
    Publisher& publisher_;
    std::future<Outcome> running_;
    bool again_ = false;
    std::shared_ptr<const dataplane::CatalogueTables> tables_;
    std::vector<std::filesystem::file_time_type> times_;
    std::chrono::steady_clock::time_point looked_at_{};
    std::uint64_t loads_ = 0;
    std::string last_error_;
    std::chrono::milliseconds load_took_{};
};

} // namespace foregate::control
