// SPDX-License-Identifier: BSD-3-Clause
#include "control/telemetry/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string_view>

namespace foregate::control {
namespace {

/// spdlog's own file sink cannot open its file anew.
class LogFileSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit LogFileSink(std::filesystem::path path) : path_(std::move(path)), file_(open()) {}

    void reopen() {
        const std::lock_guard lock(mutex_);
        file_ = open();
    }

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    using File = std::unique_ptr<std::FILE, Close>;

    [[nodiscard]] File open() const {
        File file(std::fopen(path_.c_str(), "ae"));
        if (!file) {
            throw std::runtime_error("log file " + path_.string() +
                                     ": cannot be opened for writing");
        }
        return file;
    }
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        std::fwrite(line.data(), 1, line.size(), file_.get());
        std::fflush(file_.get());
    }
    void flush_() override { std::fflush(file_.get()); }

    std::filesystem::path path_;
    File file_;
};

struct Level {
    std::string_view name;
    spdlog::level::level_enum value;
};
constexpr Level kLevels[] = {
    {"trace", spdlog::level::trace}, {"debug", spdlog::level::debug},
    {"info", spdlog::level::info},   {"warning", spdlog::level::warn},
    {"error", spdlog::level::err},   {"critical", spdlog::level::critical},
    {"off", spdlog::level::off},
};

} // namespace

void start_log(const std::string& level, const std::filesystem::path& file) {
    const Level* found = nullptr;
    for (const Level& l : kLevels) {
        found = l.name == level ? &l : found;
    }
    if (found == nullptr) {
        throw std::runtime_error("log level '" + level +
                                 "': expected trace, debug, info, warning, error, critical or off");
    }
    spdlog::sink_ptr sink;
    if (file.empty()) {
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
        sink = std::make_shared<LogFileSink>(file);
    }
    auto logger = std::make_shared<spdlog::logger>("foregate", std::move(sink));
    logger->set_level(found->value);
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%f%z %l %v");
    spdlog::set_default_logger(std::move(logger));
}

void reopen_log() {
    for (const spdlog::sink_ptr& sink : spdlog::default_logger()->sinks()) {
        if (auto* file = dynamic_cast<LogFileSink*>(sink.get())) {
            file->reopen();
        }
    }
}

} // namespace foregate::control
