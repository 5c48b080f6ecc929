# SPDX-License-Identifier: BSD-3-Clause
"""What a run has found: figures by name, promises with what was measured, and series for the plots."""

import statistics
import threading
import time


def quantile(samples, share):
    """The nearest-rank quantile; None of nothing."""
    ordered = sorted(samples)
    if not ordered:
        return None
    return ordered[min(max(int(-(-share * len(ordered) // 1)) - 1, 0), len(ordered) - 1)]


def median(samples):
    return statistics.median(samples) if samples else None


class Findings:
    """Filled by the chapters, from several threads; read by the reports at the end."""

    def __init__(self, name):
        self.name = name
        self.begin = time.monotonic()
        self.figures = {}
        self.promises = []
        self.series = {}
        self.notes = []
        self.facts = {}
        self._lock = threading.Lock()

    def figure(self, name, value, digits=None):
        """None is "not measured" and leaves no trace."""
        if value is None:
            return
        with self._lock:
            self.figures[name] = round(value, digits) if digits is not None else value

    def promise(self, point, claim, measured, kept):
        """`point` is the number of the story's part; `kept` decides the exit status."""
        with self._lock:
            self.promises.append({"point": point, "claim": claim, "measured": str(measured), "kept": bool(kept)})
        self.say(f"{'ok    ' if kept else 'BROKEN'} {claim}: {measured}")

    def note(self, text):
        with self._lock:
            self.notes.append(text)
        self.say(f"note: {text}")

    def add(self, series, *row):
        """One row of a series for the plots."""
        with self._lock:
            self.series.setdefault(series, []).append(list(row))

    def say(self, text):
        print(f"[{self.name} {time.monotonic() - self.begin:6.1f}] {text}", flush=True)

    def broken(self):
        return [p for p in self.promises if not p["kept"]]
