# SPDX-License-Identifier: BSD-3-Clause
"""The display streams of all desktops over their primaries, and what their timeline says about any interval."""

import json
import pathlib
from dataclasses import dataclass

from . import plan


@dataclass
class Interval:
    """Messages sent within an interval of time.monotonic_ns()."""

    sent: int = 0
    received: int = 0
    lost: int = 0
    longest_gap_ms: float = 0.0


class Beats:
    """One server on each desktop, one client for all of them on the persons' host."""

    def __init__(self, client, desktops, labprobe, timeline):
        self.timeline = pathlib.Path(timeline)
        self.timeline.unlink(missing_ok=True)
        self._servers = [d.popen([labprobe, "beat-server", "--address", d.place.primary4], name="beat-server")
                         for d in desktops]
        for server in self._servers:
            server.wait_ready("ready")
        peers = ",".join(f"{d.name}={d.place.primary4}" for d in desktops)
        self._client = client.popen([labprobe, "beat-client", "--peers", peers, "--port", plan.BEAT_PORT,
                                     "--timeline", self.timeline], name="beat-client")
        self._client.wait_ready("ready")
        self.desktops = [d.name for d in desktops]

    def stop(self):
        """Ends the streams; the client's summary (sent, received, lost, stream_lost, stream_breaks, ...)."""
        lines = self._client.stop().strip().splitlines()
        for server in self._servers:
            server.stop()
        if not lines:
            raise RuntimeError(f"the beat client ended badly: {self._client.errors()[-1000:]}")
        return json.loads(lines[-1])

    def within(self, from_ns, to_ns, kinds=("udp",), peer=None):
        """The interval's figures from the timeline. A message counts by its sending time; the longest gap is between
        neighbouring arrivals that overlap the interval. Losses are known 1.5 s after they happened, all after stop()."""
        return interval_figures(read_timeline(self.timeline), from_ns, to_ns, kinds, peer)


def read_timeline(path):
    """(peer, kind, number, sent_ns, received_ns or 0) of every message; a line still being written is left out."""
    text = pathlib.Path(path).read_text(encoding="ascii")
    for line in text[:text.rfind("\n") + 1].splitlines()[1:]:
        peer, kind, number, sent, received = line.split(",")
        yield peer, kind, int(number), int(sent), int(received)


def interval_figures(rows, from_ns, to_ns, kinds=("udp",), peer=None):
    result = Interval()
    arrivals = {}
    for name, kind, _, sent, received in rows:
        if kind not in kinds or (peer and name != peer):
            continue
        if received:
            arrivals.setdefault((name, kind), []).append(received)
        if from_ns <= sent < to_ns:
            result.sent += 1
            result.received += 1 if received else 0
            result.lost += 0 if received else 1
    for times in arrivals.values():
        times.sort()
        for before, after in zip(times, times[1:]):
            if after > from_ns and before < to_ns:
                result.longest_gap_ms = max(result.longest_gap_ms, (after - before) / 1e6)
    return result
