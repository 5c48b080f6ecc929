// SPDX-License-Identifier: BSD-3-Clause
// Carries work from console threads to the control thread, the only one that may touch the control
// plane's state.
//
// Any thread: call, post, stop. Control thread: run_pending, whenever event_fd is readable. The
// queue must outlive every caller; call stop() before joining threads that may be waiting in
// call().
#pragma once

#include "control/console/command.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace foregate::control {

class ControlQueue {
public:
    /// Throws std::system_error when the kernel gives no event descriptor.
    explicit ControlQueue(std::chrono::milliseconds deadline = std::chrono::seconds(10));
    ~ControlQueue();
    ControlQueue(const ControlQueue&) = delete;
    ControlQueue& operator=(const ControlQueue&) = delete;

    /// Runs `work` on the control thread and waits for its result; an exception becomes an error.
    /// After the deadline an error is returned: work not begun will not run, work begun finishes
    /// unseen. Called on the control thread from inside run_pending, it runs at once.
    CommandResult call(std::function<CommandResult()> work);

    /// Runs `work` on the control thread some time later; dropped after stop().
    void post(std::function<void()> work);

    /// Runs what was queued before the call, in order. Exceptions of posted work are logged and go
    /// no further.
    void run_pending();

    /// Readable while work waits; for poll(). Owned by the queue.
    [[nodiscard]] int event_fd() const { return event_fd_; }

    /// Releases all callers with an error and refuses work from now on.
    void stop();

private:
    struct Task;
    bool push(std::shared_ptr<Task> task);
    void run(Task& task);

    const std::chrono::milliseconds deadline_;
    int event_fd_ = -1;
    std::mutex mutex_;
    std::condition_variable finished_; ///< some task is done, or stop
    std::deque<std::shared_ptr<Task>> waiting_;
    bool stopped_ = false;
};

} // namespace foregate::control
