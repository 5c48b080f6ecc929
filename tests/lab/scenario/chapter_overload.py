# SPDX-License-Identifier: BSD-3-Clause
"""Part 4: the link is overloaded in both directions while two predicted destinations are in use at once.

The first (steady requests) stays within its allotment, the second (greedy streams) asks for more than its own, six
desktops more move bulk data to elsewhere. The same is played with the plan, without it, and with plain kernel forwarding.
"""

import json
import time

from .findings import quantile
from .history import FIRST, SECOND

FIRST_DESKTOP, SECOND_DESKTOP, BULK_DESKTOPS = 1, 2, (3, 4, 7, 8, 9, 10)
BULK = "bulk.lab:7001"
# 6 Mbit/s of requests and as much of answers: more than an eighth of the link, less than the allotment.
REQUEST_BYTES, PER_SECOND = 6000, 125
WARM_UP, MEASURED = 4.0, 11.0
SINGLE_SECONDS, SINGLE_CONNECTIONS = 8.0, 6
LINK_MBPS, LINK_QUEUE_MS = 40, 100


def start(story, desktop, command, *words):
    return desktop.popen([story.lab.labprobe, command, *words], name=command)


def result(process, timeout=25):
    process.wait(timeout)
    lines = process.output().strip().splitlines()
    return json.loads(lines[-1]) if lines else None


def ask_first(story, seconds):
    return start(story, story.lab.desktop(FIRST_DESKTOP), "echo-latency", "--to", FIRST, "--request",
                 REQUEST_BYTES, "--response", REQUEST_BYTES, "--per-second", PER_SECOND, "--seconds", seconds)


def stream(story, desktop, to, direction, seconds, connections=1):
    return start(story, desktop, "stream", "--to", to, "--direction", direction, "--seconds", seconds,
                 "--connections", connections)


def steady_part(figures, since=WARM_UP):
    """(latencies in ms, Mbit/s answered one way) of the requests that were due after the warm-up."""
    if not figures:
        return [], None
    rows = [(due, latency) for due, latency in figures["samples"] if due >= since]
    window = figures["requests"] / PER_SECOND - since
    answered = sum(1 for due, latency in rows if due + latency / 1000 <= since + window)
    return [latency for _, latency in rows], answered * REQUEST_BYTES * 8e-6 / window if window > 0 else None


def stream_mbps(figures, since=WARM_UP):
    """Mean of the 100 ms samples after the warm-up."""
    rates = [rate for at, rate, _ in figures["samples"] if at >= since] if figures else []
    return sum(rates) / len(rates) if rates else None


def idle_link(story):
    """The first destination alone: the delay that the path itself has."""
    figures = result(ask_first(story, 5))
    latencies, _ = steady_part(figures, 2.0)
    story.findings.figure("overload_idle_p99_ms", quantile(latencies, 0.99), 1)
    story.findings.figure("overload_idle_p50_ms", quantile(latencies, 0.5), 1)


def overload(story, name):
    """One variant; its figures get `name` in theirs."""
    findings = story.findings
    seconds = WARM_UP + MEASURED
    lab = story.lab
    bulk = [stream(story, lab.desktop(n), BULK, direction, seconds) for n in BULK_DESKTOPS for direction in ("up", "down")]
    second = {direction: stream(story, lab.desktop(SECOND_DESKTOP), SECOND, direction, seconds, 2)
              for direction in ("up", "down")}
    first = result(ask_first(story, seconds), seconds + 15)
    for number, (due, latency) in enumerate(first["samples"]):
        if number % 5 == 0:
            findings.add(f"latency {name}", round(due, 2), round(latency, 2))
    latencies, mbps = steady_part(first)
    findings.figure(f"overload_{name}_mbps", mbps, 2)
    findings.figure(f"overload_{name}_p50_ms", quantile(latencies, 0.5), 1)
    findings.figure(f"overload_{name}_p99_ms", quantile(latencies, 0.99), 1)
    for direction, process in second.items():
        findings.figure(f"overload_{name}_second_{direction}_mbps", stream_mbps(result(process)), 2)
    totals = {"up": 0.0, "down": 0.0}
    for process in bulk:
        figures = result(process)
        if figures:
            totals[figures["direction"]] += stream_mbps(figures) or 0
    for direction, total in totals.items():
        findings.figure(f"overload_{name}_bulk_{direction}_mbps", total, 2)


def allotment_mbps(story, destination, direction):
    """What is allotted to the office class now."""
    rates = [row["rate_bps"] for row in story.gateway.plan()["allotments"] if row["in_force"] and row["class"] == "office"
             and row["destination"] == destination and row["direction"] == direction]
    return sum(rates) / 1e6 if rates else None


def single_desktop(story):
    """One active desktop, its whole link, both directions one after the other."""
    rates = {}
    for direction in ("down", "up"):
        figures = result(stream(story, story.lab.desktop(8), BULK, direction, SINGLE_SECONDS, SINGLE_CONNECTIONS))
        rates[direction] = stream_mbps(figures, 3.0)
        story.findings.figure(f"single_desktop_{direction}_mbps", rates[direction], 1)
    measured = [rate for rate in rates.values() if rate]
    story.findings.figure("single_desktop_mbps", min(measured) if measured else None, 1)
    return rates


def play(story, rate_mbps):
    """With the plan, then without. `rate_mbps`: what the gateway's ports send at most."""
    findings, lab, gateway = story.findings, story.lab, story.gateway
    lab.delay_line.set(rate=f"{LINK_MBPS}M", queue_ms=LINK_QUEUE_MS)
    try:
        allotted = {(d, way): allotment_mbps(story, d, way) for d in (FIRST, SECOND) for way in ("up", "down")}
        for (destination, way), mbps in allotted.items():
            findings.figure(f"allotment_{'first' if destination == FIRST else 'second'}_{way}_mbps", mbps, 2)
        idle_link(story)
        overload(story, "with_plan")
        gateway.console("plan off")
        time.sleep(1)
        overload(story, "without_plan")
        rates = single_desktop(story)
        gateway.console("plan on")
    finally:
        lab.delay_line.set(rate=0)
    judge(findings, rate_mbps, allotted, rates)


def judge(findings, rate_mbps, allotted, rates):
    f = findings.figures
    offered = REQUEST_BYTES * 8e-6 * PER_SECOND
    mbps, p99, idle = f.get("overload_with_plan_mbps"), f.get("overload_with_plan_p99_ms"), f.get("overload_idle_p99_ms")
    findings.promise(4, f"overloaded link, plan on: the first predicted destination keeps its {offered:.0f} Mbit/s",
                     f"{mbps} Mbit/s each way (without the plan {f.get('overload_without_plan_mbps')})",
                     mbps is not None and mbps >= 0.95 * offered)
    findings.promise(4, "and its low delay (99th percentile of the whole answer)",
                     f"{p99} ms; idle link {idle} ms; without the plan {f.get('overload_without_plan_p99_ms')} ms",
                     None not in (p99, idle) and p99 <= 1.5 * idle)
    for way in ("up", "down"):
        got, own = f.get(f"overload_with_plan_second_{way}_mbps"), allotted[(SECOND, way)]
        findings.promise(4, f"the second asks for more than its allotment ({way}): it gets that and what is idle",
                         f"{got} Mbit/s, allotted {own and round(own, 2)}", None not in (got, own) and got >= 0.9 * own)
    whole = [rates[way] for way in ("down", "up")]
    findings.promise(4, f"a single active desktop gets the whole link ({rate_mbps} Mbit/s)",
                     ", ".join(f"{way} {rates[way] and round(rates[way], 1)} Mbit/s" for way in ("down", "up")),
                     all(rate and rate >= 0.85 * rate_mbps for rate in whole))


def play_kernel(story):
    """The same with plain kernel forwarding; the gateway has ended."""
    story.lab.gateway_is_kernel(True)
    story.lab.delay_line.set(rate=f"{LINK_MBPS}M", queue_ms=LINK_QUEUE_MS)
    try:
        story.psql(story.lab.desktop(1), "select 1", host="10.20.0.12")
        overload(story, "kernel")
    finally:
        story.lab.delay_line.set(rate=0)
        story.lab.gateway_is_kernel(False)
    f = story.findings.figures
    story.findings.promise(4, "plain kernel forwarding beside it, as a yardstick (measured, not promised)",
                           f"{f.get('overload_kernel_mbps')} Mbit/s, 99th percentile {f.get('overload_kernel_p99_ms')} ms",
                           "overload_kernel_mbps" in f)
