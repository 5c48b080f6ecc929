// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: the config loader on any bytes. Either a Config or a ConfigError with at least one problem, nothing else.
// Seeds: corpus/config/ and conf/*.yaml. Files the text names are looked up below a folder that does not exist.
#include "control/config/load_config.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const auto config = foregate::control::parse_config(text, "/nonexistent/fuzz.yaml");
        if (config.ports.size() < 2) {
            std::abort(); // a valid config has a desktop and an upstream port
        }
    } catch (const foregate::control::ConfigError& error) {
        if (error.problems().empty()) {
            std::abort();
        }
        for (const auto& problem : error.problems()) {
            if (problem.message.empty() || problem.mark.line < 0) {
                std::abort();
            }
        }
    }
    return 0;
}
