// SPDX-License-Identifier: BSD-3-Clause
#include "control/capture/capture_desk.h"

#include <stdexcept>

namespace foregate::control {

namespace {

using dataplane::CapturedFrame;
using dataplane::CaptureDirection;
using dataplane::CaptureTap;

/// The polling cores make no system call, so the thread looks by itself; a ring of 4 MiB fills in 3 ms at 10 Gbit/s.
constexpr std::chrono::milliseconds kLook{1};
constexpr std::chrono::minutes kSweep{1};

std::uint64_t since_1970(std::chrono::system_clock::time_point time) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

} // namespace

Capture::Capture(CaptureOrder order, std::vector<dataplane::CapturePoint*> points,
                 std::function<std::uint64_t()> clock_ns)
    : order_(std::move(order)), points_(std::move(points)), clock_ns_(std::move(clock_ns)),
      began_(std::chrono::system_clock::now()), epoch_ns_(since_1970(began_) - clock_ns_()), files_(order_.files),
      written_(order_.files.interfaces.size()) {
    files_.flush();
    publish_figures();
    for (std::size_t i = 0; i < points_.size(); ++i) {
        taps_.push_back(std::make_unique<CaptureTap>(order_.rule, order_.ring_bytes));
    }
    thread_ = std::thread([this] { run(); });
    for (std::size_t i = 0; i < points_.size(); ++i) { // last: what can throw has been done
        points_[i]->arm(taps_[i].get());
    }
}

Capture::~Capture() { stop("order"); }

void Capture::stop(const std::string& why) {
    if (!thread_.joinable()) {
        return;
    }
    for (dataplane::CapturePoint* point : points_) {
        point->disarm();
    }
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join(); // it writes what is left in the rings
    end(why);
    finish_files();
}

void Capture::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        wake_.wait_for(lock, kLook, [this] { return stopping_; });
        lock.unlock();
        drain();
        if (!files_.flush()) {
            end(files_.error());
        }
        publish_figures();
        lock.lock();
    }
    lock.unlock();
    drain(); // the points are disarmed: this is all there is
    publish_figures();
}

void Capture::drain() {
    std::uint64_t most = 0; // a busy port must not keep the loop from looking up
    for (const auto& tap : taps_) {
        most += tap->ring.capacity() / sizeof(CapturedFrame);
    }
    while (most-- != 0) {
        CaptureTap* oldest = nullptr;
        const CapturedFrame* frame = nullptr;
        for (const auto& tap : taps_) {
            const CapturedFrame* front = tap->ring.front();
            if (front != nullptr && (frame == nullptr || front->time_ns < frame->time_ns)) {
                oldest = tap.get();
                frame = front;
            }
        }
        if (oldest == nullptr) {
            return;
        }
        write_one(*frame);
        oldest->ring.pop();
    }
}

void Capture::write_one(const CapturedFrame& frame) {
    if (over()) {
        return; // nobody has stopped the points yet
    }
    const auto direction =
        frame.direction == CaptureDirection::in ? PacketDirection::inbound : PacketDirection::outbound;
    switch (files_.add(frame.port, epoch_ns_ + frame.time_ns, direction, frame.length, {frame.bytes(), frame.kept})) {
    case CaptureFiles::Added::yes:
        ++written_[frame.port];
        ++packets_written_;
        if (order_.packets && packets_written_ >= *order_.packets) {
            end("packets");
        }
        return;
    case CaptureFiles::Added::full:
        end("size");
        return;
    case CaptureFiles::Added::failed:
        end(files_.error());
        return;
    }
}

void Capture::end(const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (ended_by_.empty()) {
        ended_by_ = why;
        ended_ = std::chrono::system_clock::now();
        over_.store(true, std::memory_order_release);
    }
}

/// After the thread has ended: statistics, and the last bytes.
void Capture::finish_files() {
    std::vector<CaptureFiles::Statistics> statistics(written_.size());
    for (std::size_t port = 0; port < written_.size(); ++port) {
        for (const auto& tap : taps_) {
            statistics[port].dropped += tap->lost[port].read();
        }
        statistics[port].received = written_[port] + statistics[port].dropped;
    }
    files_.finish(statistics, since_1970(ended_));
    publish_figures();
}

void Capture::publish_figures() {
    packets_.store(packets_written_, std::memory_order_relaxed);
    bytes_.store(files_.bytes(), std::memory_order_relaxed);
    begun_.store(files_.begun(), std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    current_file_ = files_.path().filename();
}

std::uint64_t Capture::lost() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& tap : taps_) {
        for (const auto& counter : tap->lost) {
            sum += counter.read();
        }
    }
    return sum;
}

CaptureStatus Capture::status() const {
    CaptureStatus status;
    status.filter = order_.rule->filter.text();
    status.packets = packets_.load(std::memory_order_relaxed);
    status.bytes = bytes_.load(std::memory_order_relaxed);
    status.files = begun_.load(std::memory_order_relaxed);
    for (const auto& tap : taps_) {
        status.matched += tap->matched.read();
    }
    status.lost = lost();
    status.began = began_;
    const std::lock_guard lock(mutex_);
    status.phase = ended_by_.empty() ? CaptureStatus::Phase::running : CaptureStatus::Phase::ended;
    status.file = current_file_;
    status.ended_by = ended_by_;
    status.ended = ended_;
    return status;
}

void CaptureDesk::start(CaptureOrder order, std::vector<dataplane::CapturePoint*> points,
                        std::function<std::uint64_t()> clock_ns) {
    if (capture_ != nullptr) {
        throw std::runtime_error("a capture is running to " + capture_->status().file + "; stop it first");
    }
    order.files.folder = folder_;
    name_ = order.files.name;
    capture_ = std::make_unique<Capture>(std::move(order), std::move(points), std::move(clock_ns));
    last_.reset();
}

void CaptureDesk::stop(const std::string& why) {
    if (capture_ != nullptr) {
        capture_->stop(why);
        last_ = capture_->status();
        capture_.reset();
    }
}

std::optional<CaptureStatus> CaptureDesk::tick(std::chrono::system_clock::time_point now) {
    std::optional<CaptureStatus> ended;
    if (capture_ != nullptr && capture_->over()) {
        stop("");
        ended = last_;
    }
    if (now - swept_ >= kSweep) {
        swept_ = now;
        removed_ += remove_old_captures(folder_, keep_, now, capture_ != nullptr ? name_ : "").size();
    }
    return ended;
}

std::optional<CaptureStatus> CaptureDesk::status() const {
    if (capture_ == nullptr) {
        return last_;
    }
    CaptureStatus status = capture_->status();
    status.phase = CaptureStatus::Phase::running; // its file is open until the tick that closes it
    status.ended_by.clear();
    return status;
}

} // namespace foregate::control
