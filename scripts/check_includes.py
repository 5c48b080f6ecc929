#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks who includes whom: control -> dataplane, control -> forecast, never back; libraries stay in their folders."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)

# Header of a library (by pattern) -> the only folders where it may stand.
LIBRARY_FOLDERS = [
    (re.compile(r"^rte_"), ["dataplane"]),
    (re.compile(r"^hs(_[a-z]+)?\.h$"), ["dataplane/threat", "dataplane/classify"]),
    (re.compile(r"^pcap"), ["dataplane/watch"]),
    (re.compile(r"^openssl/"), ["dataplane/classify", "dataplane/patterns"]),
    (re.compile(r"^yaml-cpp/"), ["control/config"]),
    (re.compile(r"^sqlite3\.h$"), ["control/usage"]),
    (re.compile(r"^(Eigen/|unsupported/Eigen)"), ["forecast"]),
    (re.compile(r"^(tbb/|oneapi/)"), ["control", "forecast"]),
    (re.compile(r"^(libcli\.h|editline/|histedit\.h)"), ["control/console"]),
    (re.compile(r"^ares"), ["control/destination"]),
    (re.compile(r"^idn2\.h$"), ["control/threat"]),
    (re.compile(r"^libmnl/"), ["control/net"]),
    (re.compile(r"^prometheus/"), ["control/telemetry"]),
]
# Inside the data plane a feature knows packet/ and itself; the worker alone knows them all.
FEATURES = ["shape", "splice", "threat", "classify", "usage", "watch"]


def folder_of(path):
    return path.relative_to(SRC).parent.as_posix()


def arrow_problem(where, target):
    plane = where.split("/")[0]
    if plane == "dataplane" and target.startswith(("control/", "forecast/")):
        return "the data plane knows neither control nor forecast"
    if plane == "forecast" and target.startswith(("control/", "dataplane/")):
        return "the forecaster knows nothing of ours"
    parts = where.split("/")
    other = target.split("/")
    if plane == "dataplane" and len(parts) > 1 and parts[1] in FEATURES and other[0] == "dataplane" and len(other) > 2:
        if other[1] in FEATURES + ["worker", "device", "offline"] and other[1] != parts[1]:
            return f"feature folder {parts[1]}/ knows packet/ and root headers, not {other[1]}/"
    return None


def main():
    problems = []
    for path in sorted(SRC.rglob("*.h")) + sorted(SRC.rglob("*.cpp")):
        where = folder_of(path)
        text = path.read_text()
        if path.suffix == ".h" and "#pragma once" not in text:
            problems.append(f"{path.relative_to(ROOT)}:1: no #pragma once")
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start(1)) + 1
            target = match.group(2)
            if match.group(1) == '"':
                why = arrow_problem(where, target)
                if why:
                    problems.append(f"{path.relative_to(ROOT)}:{line}: {target}: {why}")
            for pattern, folders in LIBRARY_FOLDERS:
                if pattern.search(target) and not any((where + "/").startswith(f + "/") for f in folders):
                    problems.append(f"{path.relative_to(ROOT)}:{line}: {target}: only under {', '.join(folders)}")
    print("\n".join(problems) if problems else "includes: every arrow points the right way")
    return 1 if problems else 0


sys.exit(main())
