#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""embed.py FILE OUT NAMESPACE FUNCTION: writes C++ with a function that returns FILE's bytes as a std::string_view."""
import sys

source, target, namespace, function = sys.argv[1:5]
with open(source, "rb") as file:
    data = file.read()
with open(target, "w", encoding="ascii") as out:
    out.write("// Generated from a file of conf/ by scripts/embed.py.\n#include <string_view>\n\n")
    out.write(f"namespace {namespace} {{\n\nstd::string_view {function}() noexcept {{\n    static constexpr char kText[] = {{\n")
    for at in range(0, len(data), 24):
        out.write("        " + " ".join(f"{b if b < 128 else b - 256}," for b in data[at:at + 24]) + "\n")
    out.write(f"    }};\n    return {{kText, {len(data)}}};\n}}\n\n}} // namespace {namespace}\n")
