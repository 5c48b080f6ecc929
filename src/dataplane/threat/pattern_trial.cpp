// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/threat/pattern_trial.h"

#include <array>
#include <cstddef>
#include <hs.h>
#include <memory>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kMaxDatabaseBytes = std::size_t{256} << 10U;
constexpr int kMaxRepeat = 255;
constexpr int kMaxRepeats = 4;

/// Names that nothing has in common but being one.
constexpr std::array<std::string_view, 4> kProbes{"qzx7j.kvw0p.com", "u3-h8m.ydb.net", "0fj2.xq",
                                                  "w.m.r.tk9-5.example"};

struct FreeDatabase {
    void operator()(hs_database_t* database) const noexcept { hs_free_database(database); }
};
struct FreeScratch {
    void operator()(hs_scratch_t* scratch) const noexcept { hs_free_scratch(scratch); }
};

int stop(unsigned, unsigned long long, unsigned long long, unsigned, void* matched) {
    *static_cast<bool*>(matched) = true;
    return 1;
}

/// Large repeats make the compiler slow long before it gives up.
bool repeats_too_much(std::string_view regex) {
    int repeats = 0;
    for (std::size_t at = regex.find('{'); at != std::string_view::npos;
         at = regex.find('{', at + 1)) {
        int value = 0;
        bool any = false;
        for (std::size_t i = at + 1;
             i < regex.size() && (regex[i] == ',' || (regex[i] >= '0' && regex[i] <= '9')); ++i) {
            value = regex[i] == ',' ? 0 : value * 10 + (regex[i] - '0');
            any = true;
            if (value > kMaxRepeat) {
                return true;
            }
        }
        repeats += any ? 1 : 0;
    }
    return repeats > kMaxRepeats;
}

bool matches_everything(const hs_database_t* database) {
    hs_scratch_t* raw = nullptr;
    if (hs_alloc_scratch(database, &raw) != HS_SUCCESS) {
        return true;
    }
    const std::unique_ptr<hs_scratch_t, FreeScratch> scratch(raw);
    for (const std::string_view probe : kProbes) {
        bool matched = false;
        hs_scan(database, probe.data(), static_cast<unsigned>(probe.size()), 0, scratch.get(), stop,
                &matched);
        if (!matched) {
            return false;
        }
    }
    return true;
}

} // namespace

std::string pattern_fault(std::string_view regex) {
    if (regex.empty() || regex.find('\0') != std::string_view::npos) {
        return "an empty pattern, or one with a zero byte";
    }
    if (repeats_too_much(regex)) {
        return "a pattern with repeats above 255, or more than four of them";
    }
    hs_database_t* raw = nullptr;
    hs_compile_error_t* error = nullptr;
    const std::string text(regex);
    if (hs_compile(text.c_str(), HS_FLAG_SINGLEMATCH, HS_MODE_BLOCK, nullptr, &raw, &error) !=
        HS_SUCCESS) {
        const std::string why =
            error != nullptr && error->message != nullptr ? error->message : "no reason given";
        hs_free_compile_error(error);
        return "the matcher takes no such pattern: " + why;
    }
    const std::unique_ptr<hs_database_t, FreeDatabase> database(raw);
    std::size_t bytes = 0;
    if (hs_database_size(raw, &bytes) != HS_SUCCESS || bytes > kMaxDatabaseBytes) {
        return "a pattern of " + std::to_string(bytes >> 10U) + " KiB when compiled, more than 256";
    }
    return matches_everything(raw) ? "a pattern that matches every name" : "";
}

} // namespace foregate::dataplane
