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
    : files_(config.classify.catalogue), workers_(workers), publisher_(publisher) {}

CatalogueControl::~CatalogueControl() {
    if (running_.valid()) {
        running_.wait();
    }
}

CatalogueControl::Outcome CatalogueControl::load_now(const Files& files,
                                                     const dataplane::Catalogue* before, unsigned workers) {
    const auto begun = std::chrono::steady_clock::now();
    Outcome outcome;
    outcome.tables = std::make_shared<dataplane::CatalogueTables>(compile_catalogue(files, before), workers);
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
                                               workers = workers_] {
        return load_now(files, before ? &before->catalogue : nullptr, workers);
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
    spdlog::info("catalogue in force: {} names, {} signatures, {} host patterns, {} ms",
                 tables_->catalogue.names() - 1, tables_->catalogue.signatures(),
                 tables_->catalogue.host_patterns(), load_took_.count());
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
