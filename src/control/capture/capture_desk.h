// SPDX-License-Identifier: BSD-3-Clause
// The capture that an operator starts: arms the polling cores' points, writes what they copy, ends by order or limit.
//
// Everything but `status()`'s figures belongs to the control thread; the files belong to the capture's own thread while it
// runs. The polling cores never wait: a full ring loses the copy, counted, never the packet.
#pragma once

#include "control/capture/capture_files.h"
#include "dataplane/watch/capture_point.h"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace foregate::control {

struct CaptureOrder {
    CaptureFileSettings files;
    std::shared_ptr<const dataplane::CaptureRule> rule;
    std::optional<std::uint64_t> packets; ///< at most
    std::size_t ring_bytes = 4U << 20;    ///< of each point
};

struct CaptureStatus {
    enum class Phase : std::uint8_t { running, ended } phase = Phase::running;
    std::string file;      ///< the one being written, or the last
    std::string filter;
    std::string ended_by;  ///< "order", "size", "packets", or what went wrong; empty while running
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::uint64_t matched = 0;
    std::uint64_t lost = 0; ///< matched, but the ring to the file was full
    unsigned files = 0;
    std::chrono::system_clock::time_point began{};
    std::chrono::system_clock::time_point ended{};
};

/// One capture from start to end. The points outlive it.
class Capture {
public:
    /// Throws std::runtime_error when the file cannot be made. `clock_ns`: the polling cores' clock, any thread.
    Capture(CaptureOrder order, std::vector<dataplane::CapturePoint*> points, std::function<std::uint64_t()> clock_ns);
    /// Ends it.
    ~Capture();
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;

    /// The points are disarmed, what they have copied is written, the file is whole.
    void stop(const std::string& why);
    /// True when a limit or an error has ended it; then stop() is due.
    [[nodiscard]] bool over() const noexcept { return over_.load(std::memory_order_acquire); }
    [[nodiscard]] CaptureStatus status() const;

private:
    void run();
    /// Writes what waits in the rings, the oldest first, but no more than was there at the beginning.
    void drain();
    void write_one(const dataplane::CapturedFrame& frame);
    /// No more is written from here on; the first reason stands.
    void end(const std::string& why);
    void finish_files();
    void publish_figures();
    [[nodiscard]] std::uint64_t lost() const noexcept;

    const CaptureOrder order_;
    const std::vector<dataplane::CapturePoint*> points_;
    std::vector<std::unique_ptr<dataplane::CaptureTap>> taps_; ///< by point
    const std::function<std::uint64_t()> clock_ns_;
    const std::chrono::system_clock::time_point began_;
    const std::uint64_t epoch_ns_; ///< 1970 UTC at the polling cores' zero
    CaptureFiles files_;
    std::vector<std::uint64_t> written_; ///< frames by interface; the thread's
    std::uint64_t packets_written_ = 0;  ///< the thread's

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;        ///< guarded by mutex_
    std::string ended_by_;         ///< likewise
    std::string current_file_;     ///< likewise
    std::chrono::system_clock::time_point ended_{}; ///< likewise
    std::atomic<std::uint64_t> packets_{0}, bytes_{0};
    std::atomic<unsigned> begun_{0};
    std::atomic<bool> over_{false};
    std::thread thread_;
};

/// The one place for captures. Control thread only.
class CaptureDesk {
public:
    /// `folder`, `keep`: where captures live, and how long (0: for ever).
    CaptureDesk(std::filesystem::path folder, std::chrono::seconds keep) : folder_(std::move(folder)), keep_(keep) {}

    [[nodiscard]] bool running() const noexcept { return capture_ != nullptr; }
    /// Throws std::runtime_error: a capture is running, or its file cannot be made.
    void start(CaptureOrder order, std::vector<dataplane::CapturePoint*> points, std::function<std::uint64_t()> clock_ns);
    /// Nothing when none is running.
    void stop(const std::string& why);
    /// Ends what has reached a limit and removes old files; the status of a capture that has just ended.
    std::optional<CaptureStatus> tick(std::chrono::system_clock::time_point now);

    /// Of the capture that runs, or of the last one.
    [[nodiscard]] std::optional<CaptureStatus> status() const;
    [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
    /// Files that were removed for their age since the start.
    [[nodiscard]] std::uint64_t removed_total() const noexcept { return removed_; }

private:
    const std::filesystem::path folder_;
    const std::chrono::seconds keep_;
    std::unique_ptr<Capture> capture_;
    std::string name_;
    std::optional<CaptureStatus> last_;
    std::chrono::system_clock::time_point swept_{};
    std::uint64_t removed_ = 0;
};

} // namespace foregate::control
