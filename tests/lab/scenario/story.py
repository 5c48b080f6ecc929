# SPDX-License-Identifier: BSD-3-Clause
"""What all chapters share: the lab, the gateway, its clock, the findings, and a thread that keeps watching."""

import datetime
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .gateway import ConsoleError


class Clock:
    """The gateway's analytics clock as its console shows it, so that the story's hours are the gateway's."""

    def __init__(self, gateway):
        first = gateway.console("show clock")
        while True:  # whole seconds are shown: the moment of a change is exact
            shown = gateway.console("show clock")
            if shown["epoch_s"] != first["epoch_s"]:
                break
            time.sleep(0.01)
        local = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=shown["epoch_s"] + shown["utc_offset_s"])
        self._base = local - datetime.timedelta(seconds=time.monotonic())

    def now(self):
        return self._base + datetime.timedelta(seconds=time.monotonic())

    def until(self, moment):
        """Seconds from now to `moment`; negative when it is over."""
        return (moment - self.now()).total_seconds()

    def wait(self, moment):
        time.sleep(max(self.until(moment), 0))

    def wall(self, moment):
        """`moment` as time.time_ns(), the clock of captures."""
        return time.time_ns() + int(self.until(moment) * 1e9)


@dataclass
class Story:
    """One run of the gateway, with everything its chapters need."""

    lab: object
    gateway: object
    findings: object
    surge: object  # datetime, None: no surge in the history
    clock: object = None
    beats: object = None
    drive: str = "xdp"
    parallel: object = field(default_factory=lambda: ThreadPoolExecutor(16))

    def desktops(self, *numbers):
        return [self.lab.desktop(n) for n in numbers]

    def psql(self, desktop, statement, host="db.lab", check=True):
        """A real psql with a real query; the CompletedProcess."""
        return desktop.run(["psql", "-h", host, "-U", "lab", "-d", "lab", "-Atc", statement], check=check, timeout=30)


class Repeating(threading.Thread):
    """Calls action() every `seconds` until stop(); what it raises as long as the gateway is away is no matter."""

    def __init__(self, seconds, action):
        super().__init__(daemon=True)
        self._seconds = seconds
        self._action = action
        self._ended = threading.Event()
        self.problem = None
        self.start()

    def run(self):
        due = time.monotonic()
        while not self._ended.wait(max(due - time.monotonic(), 0)):
            due = max(due + self._seconds, time.monotonic() - self._seconds)
            try:
                self._action()
            except (ConsoleError, OSError, RuntimeError, KeyError) as error:
                self.problem = error

    def stop(self):
        self._ended.set()
        self.join(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class QueueWatch:
    """Rates of each traffic class on both ports over time, from the counters of `show queues`."""

    def __init__(self, story):
        self._story = story
        self._last = {}
        self.phase = ""
        self._thread = Repeating(1.0, self._look)

    def _look(self):
        now = time.monotonic()
        begin = self._story.findings.begin
        for row in self._story.gateway.console("show queues")["classes"]:
            key = (row["port"], row["traffic_class"])
            before = self._last.get(key)
            self._last[key] = (now, row["sent_bytes"])
            if before and now > before[0] and row["sent_bytes"] >= before[1]:
                mbps = (row["sent_bytes"] - before[1]) * 8e-6 / (now - before[0])
                self._story.findings.add(f"rate {key[0]} {key[1]}", round(now - begin, 2), round(mbps, 3))

    def stop(self):
        self._thread.stop()
