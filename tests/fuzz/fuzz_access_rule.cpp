// SPDX-License-Identifier: BSD-3-Clause
// A rule of an access list: what is taken can be written out and reads as the same rule again.
#include "control/config/access_rule.h"

#include <cstdlib>
#include <string_view>

using namespace foregate::control;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto rule = parse_access_rule(text);
    if (!rule.value) {
        if (rule.problem.empty()) {
            std::abort();
        }
        return 0;
    }
    const auto again = parse_access_rule(rule.value->to_string());
    if (!again.value || !(*again.value == *rule.value) || rule.value->first_port > rule.value->last_port ||
        (rule.value->prefix && !rule.value->name.empty())) {
        std::abort();
    }
    return 0;
}
