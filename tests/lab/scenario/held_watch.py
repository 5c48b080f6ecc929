# SPDX-License-Identifier: BSD-3-Clause
"""Watches the held connections to the surge's database: since when each desktop has one, and whether that ever ended."""

import time

from .history import DATABASE
from .story import Repeating


class HeldWatch:
    """Looks every two seconds. `held_since` is forgotten when a desktop is seen without one, with two ways out that are
    part of the story: the few seconds of the database's move, and a desktop that was cut or logged out."""

    PATIENCE = 6.0

    def __init__(self, story, destination=DATABASE):
        self._story = story
        self._destination = destination
        self.held_since = {}
        self._last_seen = {}
        self.servers = {}
        self._thread = Repeating(2.0, self._look)

    def _look(self):
        now = time.monotonic()
        shown = self._story.gateway.held()
        found = {}
        for row in shown["connections"]:
            if row["destination"] == self._destination and row["purpose"] == "predicted" and row["state"] == "held":
                found.setdefault(row["desktop"], []).append(row["server"])
        for desktop, servers in found.items():
            self.held_since.setdefault(desktop, now)
            self._last_seen[desktop] = now
            self.servers[desktop] = servers
        for desktop in [d for d, seen in self._last_seen.items() if now - seen > self.PATIENCE]:
            self.held_since.pop(desktop, None)
            self._last_seen.pop(desktop, None)
        count = sum(map(len, found.values()))
        self._story.findings.add("held", round(now - self._story.findings.begin, 2), count, len(found))

    def desktops(self):
        return set(self.held_since)

    def ages(self, at):
        """Seconds for which each desktop has had a held connection without a break, at monotonic time `at`."""
        return {desktop: at - since for desktop, since in self.held_since.items()}

    def stop(self):
        self._thread.stop()
