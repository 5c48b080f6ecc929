// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/control_queue.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace foregate::control {

/// All but `work` under the queue's mutex.
struct ControlQueue::Task {
    enum class State { waiting, running, done, abandoned };
    std::function<CommandResult()> work;
    State state = State::waiting;
    CommandResult result;
};

namespace {

/// The queue whose work this thread is running, so that a call from inside does not wait for
/// itself.
thread_local const ControlQueue* running_here = nullptr;

CommandResult run_guarded(const std::function<CommandResult()>& work) {
    try {
        return work();
    } catch (const std::exception& e) {
        return CommandResult::failure(e.what());
    }
}

} // namespace

ControlQueue::ControlQueue(std::chrono::milliseconds deadline)
    : deadline_(deadline), event_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (event_fd_ < 0) {
        throw std::system_error(errno, std::generic_category(), "control queue: eventfd");
    }
}

ControlQueue::~ControlQueue() {
    stop();
    ::close(event_fd_);
}

bool ControlQueue::push(std::shared_ptr<Task> task) {
    const std::lock_guard lock(mutex_);
    if (stopped_) {
        return false;
    }
    waiting_.push_back(std::move(task));
    if (waiting_.size() == 1) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t n =
            ::write(event_fd_, &one, sizeof one); // full = readable already
    }
    return true;
}

CommandResult ControlQueue::call(std::function<CommandResult()> work) {
    if (running_here == this) {
        return run_guarded(work);
    }
    const auto task = std::make_shared<Task>();
    task->work = std::move(work);
    if (!push(task)) {
        return CommandResult::failure("the gateway is stopping");
    }
    std::unique_lock lock(mutex_);
    const auto until = std::chrono::steady_clock::now() + deadline_;
    const bool released = finished_.wait_until(
        lock, until, [&] { return stopped_ || task->state == Task::State::done; });
    if (task->state == Task::State::done) {
        return std::move(task->result);
    }
    task->state = Task::State::abandoned;
    return CommandResult::failure(released ? "the gateway is stopping"
                                           : "the gateway did not answer within " +
                                                 std::to_string(deadline_.count()) + " ms");
}

void ControlQueue::post(std::function<void()> work) {
    const auto task = std::make_shared<Task>();
    task->work = [posted = std::move(work)] {
        try {
            posted();
        } catch (const std::exception& e) {
            spdlog::error("posted control work failed: {}", e.what());
        }
        return CommandResult::success();
    };
    push(task);
}

void ControlQueue::run(Task& task) {
    {
        const std::lock_guard lock(mutex_);
        if (task.state != Task::State::waiting) {
            return;
        }
        task.state = Task::State::running;
    }
    CommandResult result = run_guarded(task.work);
    {
        const std::lock_guard lock(mutex_);
        if (task.state == Task::State::running) {
            task.result = std::move(result);
            task.state = Task::State::done;
        }
    }
    finished_.notify_all();
}

void ControlQueue::run_pending() {
    std::deque<std::shared_ptr<Task>> batch;
    {
        const std::lock_guard lock(mutex_);
        batch.swap(waiting_);
        std::uint64_t drained = 0;
        [[maybe_unused]] const ssize_t n = ::read(event_fd_, &drained, sizeof drained);
    }
    const ControlQueue* outer = std::exchange(running_here, this);
    for (const auto& task : batch) {
        run(*task);
    }
    running_here = outer;
}

void ControlQueue::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        waiting_.clear();
    }
    finished_.notify_all();
}

} // namespace foregate::control
