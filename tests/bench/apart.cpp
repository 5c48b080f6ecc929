// SPDX-License-Identifier: BSD-3-Clause
#include "bench/apart.h"

#include <cerrno>
#include <cstring>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace foregate::bench {

namespace {

[[noreturn]] void fail(const char* what) { throw std::runtime_error(std::string(what) + ": " + std::strerror(errno)); }

bool write_all(int fd, const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t written = ::write(fd, text.data() + at, text.size() - at);
        if (written <= 0) {
            return false;
        }
        at += static_cast<std::size_t>(written);
    }
    return true;
}

int child(int out, const std::function<std::vector<BenchResult>()>& part) {
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    try {
        nlohmann::ordered_json all = nlohmann::ordered_json::array();
        for (const BenchResult& result : part()) {
            all.push_back(to_whole_json(result));
        }
        return write_all(out, all.dump()) ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

} // namespace

std::vector<BenchResult> run_apart(const std::function<std::vector<BenchResult>()>& part) {
    int ends[2];
    if (::pipe(ends) != 0) {
        fail("pipe");
    }
    std::cout.flush();
    const pid_t pid = ::fork();
    if (pid < 0) {
        fail("fork");
    }
    if (pid == 0) {
        ::close(ends[0]);
        ::_exit(child(ends[1], part));
    }
    ::close(ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    int status = 0;
    if (::waitpid(pid, &status, 0) < 0 || status != 0) {
        throw std::runtime_error("a part of the benchmark failed (wait status " + std::to_string(status) + ")");
    }
    std::vector<BenchResult> results;
    for (const auto& value : nlohmann::ordered_json::parse(text)) {
        results.push_back(from_whole_json(value));
    }
    return results;
}

} // namespace foregate::bench
