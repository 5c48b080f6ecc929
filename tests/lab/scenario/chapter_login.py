# SPDX-License-Identifier: BSD-3-Clause
"""Part 1: desktops log in, by the console and by their first packets; a shadow session each, and its monitors."""

import re

from lab import wait_for

BY_CONSOLE, BY_TRAFFIC = range(1, 9), range(9, 13)
MONITORED = "app.lab:7000"


def measured_round_trip(story):
    """What ping says between a desktop and a server, in microseconds."""
    done = story.lab.desktop(1).run(["ping", "-c", "5", "-i", "0.2", "-q", "web.lab"])
    found = re.search(r"= [\d.]+/([\d.]+)/", done.stdout)
    return float(found.group(1)) * 1000 if found else None


def monitors_of(story, name):
    """The held monitoring connections of one desktop that have a round trip."""
    return [row for row in story.gateway.held()["connections"]
            if row["desktop"] == name and row["purpose"] == "monitor" and row["rtt_us"]]


def reaches(desktop, *target):
    return desktop.run(["ping", "-c", "1", "-W", "2", *target], check=False).returncode == 0


def play(story):
    gateway, findings = story.gateway, story.findings
    before = [name for name, row in gateway.sessions().items() if row["session"]]
    for number in BY_CONSOLE:
        gateway.console(f"session login d{number:02d}")
    first = story.parallel.map(lambda n: wait_for(lambda: reaches(story.lab.desktop(n), "web.lab"), 20,
                                                  f"d{n:02d} to reach web.lab"), BY_TRAFFIC)
    list(first)
    wanted = {d.name for d in story.lab.desktops}
    wait_for(lambda: wanted <= {n for n, r in gateway.sessions().items() if r["state"] == "active"}, 10,
             "a session for every desktop")
    sessions = gateway.sessions()
    active = [n for n in sorted(wanted) if sessions[n]["state"] == "active"]
    findings.figure("sessions", len(active))
    findings.promise(1, "every desktop that logged in has a shadow session, by the console or by its first packets",
                     f"{len(active)} of {len(wanted)} (before: {len(before)})", len(active) == len(wanted))
    both = story.parallel.map(lambda d: reaches(d, "-4", "web.lab") and reaches(d, "-6", "web.lab"), story.lab.desktops)
    good = sum(both)
    findings.promise(1, "IPv4 and IPv6 through the gateway, from every desktop (ping)", f"{good} of {len(wanted)}",
                     good == len(wanted))
    with_monitor = wait_for(lambda: sum(bool(monitors_of(story, n)) for n in wanted) == len(wanted) and len(wanted), 20,
                            "a measured monitoring connection for every session")
    rtt = measured_round_trip(story)
    findings.figure("rtt_us", rtt, 0)
    shown = [monitors_of(story, n)[0]["rtt_us"] for n in sorted(wanted)]
    shown = sorted(shown)[len(shown) // 2]
    findings.figure("monitor_rtt_us", shown, 0)
    findings.promise(1, f"each session holds a monitoring connection to {MONITORED} and measures the round trip by it",
                     f"{with_monitor} sessions, median {shown / 1000:.1f} ms; ping says {rtt / 1000:.1f} ms",
                     with_monitor == len(wanted) and 0.8 * rtt < shown < 2 * rtt)
    session = gateway.console("show session d01")
    findings.promise(1, "`show session d01` prints what the desktop does now", f"{len(session)} fields", len(session) > 3)
