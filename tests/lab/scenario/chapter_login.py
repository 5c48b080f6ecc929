# SPDX-License-Identifier: BSD-3-Clause
"""Part 1: desktops log in, by the console and by their first packets; a shadow session each, and its monitors."""

import re

from lab import wait_for

from .findings import median

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
    wait_for(lambda: all(monitors_of(story, n) for n in wanted), 20, "a monitoring connection for every session")
    rtt = measured_round_trip(story)
    findings.figure("rtt_us", rtt, 0)
    session = gateway.console("show session d01")
    findings.promise(1, "`show session d01` prints what the desktop does now", f"{session['live_flows']} live flows to "
                     f"{len(session['destinations'])} destinations, {session['packets_up']} packets up, "
                     f"{len(session['held'])} destinations held", session["shadow"] and session["packets_up"] > 0
                     and session["destinations"])


def play_monitors(story):
    """A minute later, when the monitors have probed a few times; their first round trip includes finding neighbours."""
    findings, names = story.findings, [d.name for d in story.lab.desktops]
    rows = {n: [m for m in story.gateway.console(f"show session {n}")["monitored"] if m["destination"] == MONITORED]
            for n in names}
    rows = {n: found[0] for n, found in rows.items() if found and found[0]["samples"]}
    alive = sum(row["liveness"] == "up" for row in rows.values())
    shown = median([row["rtt_least_us"] for row in rows.values()]) or 0
    loss = max((row["loss_ratio"] for row in rows.values()), default=0)
    rtt = findings.figures.get("rtt_us", 0)
    findings.figure("monitor_rtt_us", shown, 0)
    findings.promise(1, f"each session holds a monitoring connection to {MONITORED}: round trip, loss and liveness by it",
                     f"{alive} of {len(names)} alive, least round trip {shown / 1000:.1f} ms (median), loss {loss:.0%}; ping "
                     f"says {rtt / 1000:.1f} ms", alive == len(names) and 0.8 * rtt < shown < 1.5 * rtt)
