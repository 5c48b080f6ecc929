# SPDX-License-Identifier: BSD-3-Clause
"""The same gateway with another history: the surge at another hour, or none. Only what is opened ahead, and its use."""

import datetime
import time

from lab import wait_for

from . import chapter_surge
from .chapter_login import measured_round_trip
from .findings import median
from .full_story import DAY, PORTS, gateway_with_history
from .history import DATABASE
from .story import Clock, Story

LEAD = datetime.timedelta(seconds=60)  # longer than the oldest held connection to the database may get
NO_SURGE_HOUR = datetime.time(14, 0)
CLIENTS = (7, 8, 9, 10)  # of the class whose deviations are only noted: without a surge the database is none of its habits


def first_page(desktop):
    """What a desktop does first after its login; the gateway sees how its TCP opens connections."""
    return desktop.run(["curl", "-sfk", "--max-time", "10", "-o", "/dev/null", "https://web.lab/"], check=False)


def connect_times(story):
    results = []
    for number in CLIENTS:
        results.append(chapter_surge.pg_query(story, story.lab.desktop(number), DATABASE, f"short-{number}"))
    return chapter_surge.samples(results, "connect_us_samples")


def expect_surge(story, name):
    """Connections are held for everybody before the hour, and used at it."""
    findings, wanted = story.findings, {d.name for d in story.lab.desktops}

    def all_held():
        rows = story.gateway.held_to(DATABASE)
        return wanted <= {d for d, list_ in rows.items() if any(row["state"] == "held" for row in list_)}

    wait_for(all_held, max(story.clock.until(story.surge), 1), "held connections for every desktop", 0.3)
    ahead = story.clock.until(story.surge)
    story.clock.wait(story.surge)
    times = connect_times(story)
    totals = story.gateway.held_totals()
    findings.figure(f"held_opened_surge_{name}", totals["opened"])
    findings.figure(f"held_used_surge_{name}", totals["used"])
    findings.figure(f"held_ahead_of_surge_{name}_s", ahead, 1)
    findings.figure(f"connect_surge_{name}_p50_us", median(times), 0)
    findings.promise(2, f"another history, surge at {story.surge:%H:%M}: connections are held for every desktop before it",
                     f"{totals['opened']} opened, all desktops {ahead:.0f} s before; connect() {median(times) or 0:.0f} us",
                     ahead > 0 and len(times) == len(CLIENTS) and median(times) < 0.1 * findings.figures.get("rtt_us", 40e3))


def expect_nothing(story):
    """Nothing is opened ahead over the hour at which the other histories have their surge."""
    findings = story.findings
    story.clock.wait(story.surge + datetime.timedelta(seconds=2))
    totals = story.gateway.held_totals()
    monitors = [row for row in story.gateway.held()["connections"] if row["purpose"] == "monitor"]
    forecast = story.gateway.console("show forecast")
    times = connect_times(story)
    findings.figure("held_opened_without_surge", totals["opened"])
    findings.figure("connect_without_surge_p50_us", median(times), 0)
    findings.promise(2, "a history without a surge: nothing is opened ahead over the same hour",
                     f"{totals['opened']} opened ({len(monitors)} monitors, {len(forecast)} forecast series); connect() "
                     f"{median(times) or 0:.0f} us", totals["opened"] == 0 and len(monitors) >= len(story.lab.desktops)
                     and forecast
                     and len(times) == len(CLIENTS))


def play(lab, paths, surge_time, findings, drive):
    """`surge_time` None: no surge in the history."""
    hour = datetime.datetime.combine(DAY, surge_time or NO_SURGE_HOUR)
    name = f"{hour:%H%M}" if surge_time else "none"
    directory = lab.run_dir / f"gateway-{name}-short"
    gateway = gateway_with_history(lab, paths, directory, hour - LEAD, surge_time, findings, drive)
    story = None
    try:
        gateway.start()
        findings.figures.setdefault("ports", PORTS[drive])
        lab.forget_neighbours()
        story = Story(lab, gateway, findings, hour, clock=Clock(gateway), drive=drive)
        for desktop in lab.desktops:
            gateway.console(f"session login {desktop.name}")
        list(story.parallel.map(first_page, lab.desktops))
        if "rtt_us" not in findings.figures:
            findings.figure("rtt_us", measured_round_trip(story), 0)
        begin = time.monotonic()
        wait_for(lambda: gateway.console("show forecast"), 30, "the first forecast", 0.2)
        findings.say(f"forecast after {time.monotonic() - begin:.1f} s")
        if surge_time:
            expect_surge(story, name)
        else:
            expect_nothing(story)
    except Exception as error:  # pylint: disable=broad-except
        findings.promise(2, f"the short story with surge {name} can be played to its end", f"{error}; {gateway.failure()[-300:]}",
                         False)
    finally:
        gateway.stop()
        if story:
            story.parallel.shutdown(wait=False, cancel_futures=True)
