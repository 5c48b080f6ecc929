// SPDX-License-Identifier: BSD-3-Clause
#include "control/classify/catalogue_control.h"

#include "control/classify/catalogue_file.h"

#include <exception>
#include <spdlog/spdlog.h>
#include <system_error>
#include <utility>

namespace foregate::control {

namespace {

constexpr std::chrono::seconds kLookInterval{2};

} // namespace

CatalogueControl::CatalogueControl(const Config& config, unsigned workers, Publisher& publisher)
    : files_(config.classify.catalogue), cache_(config.classify.pattern_cache), workers_(workers), publisher_(publisher) {}

CatalogueControl::~CatalogueControl() {
    if (running_.valid()) {
        running_.wait();
    }
}

CatalogueControl::Outcome CatalogueControl::load_now(const Files& files, const std::filesystem::path& cache_folder,
                                                     const dataplane::Catalogue* before, unsigned workers) {
    const auto begun = std::chrono::steady_clock::now();
    Outcome outcome;
    dataplane::PatternCache cache(cache_folder);
    outcome.tables = std::make_shared<dataplane::CatalogueTables>(compile_catalogue(files, before, &cache), workers);
    cache.tidy();
    outcome.from_cache = cache.loaded();
    outcome.refused = cache.refused();
    outcome.unwritten = cache.unwritten();
    outcome.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
    return outcome;
}

void CatalogueControl::load_first() {
    (void)load_catalogue(files_);
    tables_ = dataplane::CatalogueTables::plain(workers_);
    publisher_.set(tables_);
    reload();
}

bool CatalogueControl::reload() {
    if (running_.valid()) {
        again_ = true;
        return false;
    }
    times_ = file_times();
    running_ = std::async(std::launch::async, [files = built_in_only_ ? Files{} : files_, before = tables_,
                                               cache = cache_, workers = workers_] {
        return load_now(files, cache, before ? &before->catalogue : nullptr, workers);
    });
    return true;
}

void CatalogueControl::tick(std::chrono::steady_clock::time_point now) {
    if (running_.valid() && running_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
        try {
            put_in_force(running_.get());
        } catch (const std::exception& error) {
            last_error_ = error.what();
            spdlog::error("catalogue not changed: {}", error.what());
            if (loads_ == 0 && !files_.empty() && !built_in_only_) { // nothing but the parsers is in force yet
                built_in_only_ = again_ = true;
            }
        }
        if (std::exchange(again_, false)) {
            reload();
        }
    }
    if (now - looked_at_ >= kLookInterval) {
        looked_at_ = now;
        if (file_times() != times_) {
            built_in_only_ = false;
            reload();
        }
    }
}

void CatalogueControl::put_in_force(Outcome outcome) {
    tables_ = std::move(outcome.tables);
    load_took_ = outcome.took;
    ++loads_;
    last_error_.clear();
    publisher_.set(tables_);
    for (const std::string& entry : outcome.refused) {
        spdlog::warn("compiled patterns: {}", entry);
    }
    for (const std::string& entry : outcome.unwritten) {
        spdlog::info("compiled patterns: {}", entry); // all works without: the next start compiles again
    }
    spdlog::info("catalogue in force: {} names, {} signatures, {} host patterns, {} ms, {} databases from the cache",
                 tables_->catalogue.names() - 1, tables_->catalogue.signatures(),
                 tables_->catalogue.host_patterns(), load_took_.count(), outcome.from_cache);
}

std::vector<std::filesystem::file_time_type> CatalogueControl::file_times() const {
    std::vector<std::filesystem::file_time_type> times;
    for (const auto& file : files_) {
        std::error_code error;
        times.push_back(std::filesystem::last_write_time(file, error));
    }
    return times;
}

std::string CatalogueControl::name_of(std::uint16_t protocol, std::uint16_t application) const {
    if (protocol == dataplane::Catalogue::kUnknown || !tables_) {
        return {};
    }
    std::string text(tables_->catalogue.name(protocol));
    if (application != dataplane::Catalogue::kUnknown) {
        text += '.';
        text += tables_->catalogue.name(application);
    }
    return text;
}

} // namespace foregate::control
