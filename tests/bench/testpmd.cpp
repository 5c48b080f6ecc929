// SPDX-License-Identifier: BSD-3-Clause
#include "bench/testpmd.h"

#include "bench/result.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace foregate::bench {

namespace {

constexpr const char* kProgram = "dpdk-testpmd";
constexpr unsigned kWarmUpSeconds = 2;
constexpr unsigned kStartSeconds = 60;

std::vector<std::string> arguments(const TestpmdRun& run) {
    std::vector<std::string> args{kProgram, "--lcores", "0@0,1@" + std::to_string(run.cpu), "--no-pci", "--no-telemetry",
                                  "-m", std::to_string(run.memory_mb)};
    if (run.hugepages) {
        args.insert(args.end(), {"--in-memory", "--single-file-segments"});
    } else {
        args.insert(args.end(), {"--no-huge", "--no-shconf"});
    }
    for (const std::string& device : run.devices) {
        args.insert(args.end(), {"--vdev", device});
    }
    args.insert(args.end(), {"--", "--forward-mode=" + run.mode, "--auto-start", "--stats-period=1", "--no-flush-rx",
                             "--total-num-mbufs=" + std::to_string(run.buffers)});
    return args;
}

/// The program with its standard input held open (it stops at its end) and its output at our end of a pipe.
class Subprocess {
public:
    explicit Subprocess(std::vector<std::string> args) {
        int in[2];
        int out[2];
        if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) {
            throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
        }
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
        std::vector<char*> argv;
        for (std::string& a : args) {
            argv.push_back(a.data());
        }
        argv.push_back(nullptr);
        const int error = ::posix_spawnp(&pid_, kProgram, &actions, nullptr, argv.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(in[0]);
        ::close(out[1]);
        input_ = in[1];
        output_ = out[0];
        if (error != 0) {
            pid_ = -1;
            throw std::runtime_error(std::string(kProgram) + " cannot be started: " + std::strerror(error));
        }
    }
    ~Subprocess() {
        ::close(input_);
        ::close(output_);
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    Subprocess(const Subprocess&) = delete;
    Subprocess& operator=(const Subprocess&) = delete;

    /// Appends what it has written within a second to `text`; false at the end of its output.
    bool read(std::string& text) {
        pollfd waiting{output_, POLLIN, 0};
        if (::poll(&waiting, 1, 1000) <= 0) {
            return true;
        }
        std::array<char, 4096> buffer;
        const ssize_t got = ::read(output_, buffer.data(), buffer.size());
        text.append(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
        return got > 0;
    }

private:
    pid_t pid_ = -1;
    int input_ = -1;
    int output_ = -1;
};

/// Every whole figure behind "Tx-pps:", in the order of the output: port 0 and port 1 in turn.
std::vector<double> sent_each_second(const std::string& output) {
    std::vector<double> figures;
    const std::string key = "Tx-pps:";
    for (std::size_t at = output.find(key); at != std::string::npos; at = output.find(key, at + 1)) {
        const std::size_t begin = output.find_first_of("0123456789", at);
        if (begin == std::string::npos || output.find('\n', begin) == std::string::npos) {
            break;
        }
        figures.push_back(std::strtod(output.c_str() + begin, nullptr));
    }
    return figures;
}

} // namespace

bool have_testpmd() {
    const char* path = std::getenv("PATH");
    std::string rest = path != nullptr ? path : "/usr/bin";
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        if (::access((rest.substr(0, end) + "/" + kProgram).c_str(), X_OK) == 0) {
            return true;
        }
        rest.erase(0, end + 1);
    }
    return false;
}

double testpmd_pps(const TestpmdRun& run) {
    Subprocess testpmd(arguments(run));
    std::string output;
    const std::time_t give_up = std::time(nullptr) + kStartSeconds + run.seconds;
    const std::size_t wanted = std::size_t{2} * run.seconds;
    while (sent_each_second(output).size() < wanted && std::time(nullptr) < give_up && testpmd.read(output)) {
    }
    const std::vector<double> figures = sent_each_second(output);
    std::vector<double> sums;
    for (std::size_t i = std::size_t{2} * kWarmUpSeconds; i + 1 < figures.size(); i += 2) {
        sums.push_back(figures[i] + figures[i + 1]);
    }
    if (sums.empty()) {
        throw std::runtime_error("dpdk-testpmd gave no figures; the end of its output:\n" +
                                 output.substr(output.size() - std::min<std::size_t>(output.size(), 1000)));
    }
    return median_of(sums);
}

} // namespace foregate::bench
