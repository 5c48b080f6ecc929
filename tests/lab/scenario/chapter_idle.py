# SPDX-License-Identifier: BSD-3-Clause
"""Part 6: a desktop that goes idle loses its secondary, never its primary; activity or an operator brings it back."""

import time

from lab import wait_for

from .chapter_login import reaches

IDLE_CLASS, IDLE_TIMEOUT = "engineering", "40s"
BY_ACTIVITY, BY_OPERATOR, LOGGED_OUT = 11, 12, 12


def held_of(story, name):
    return [row for row in story.gateway.held()["connections"] if row["desktop"] == name and row["state"] != "closing"]


def play(story):
    """Nobody touches d11 and d12 from here on; something is held for both."""
    gateway, findings, lab = story.gateway, story.findings, story.lab
    names = [f"d{n:02d}" for n in (BY_ACTIVITY, BY_OPERATOR)]
    before = {name: len(held_of(story, name)) for name in names}

    def cut():
        rows = gateway.sessions()
        return all(rows[name]["state"] not in ("active",) for name in names) and rows

    begin = time.monotonic_ns()
    rows = wait_for(cut, 75, f"{' and '.join(names)} to be cut after {IDLE_TIMEOUT} of silence", 0.3)
    state = {name: f"{rows[name]['state']} ({rows[name]['reason']})" for name in names}
    findings.promise(6, f"a silent desktop's secondary is cut after {IDLE_TIMEOUT}", "; ".join(
        f"{name}: {text}" for name, text in state.items()), all("inactiv" in str(rows[n]["reason"]) for n in names))
    wait_for(lambda: not any(held_of(story, name) for name in names), 10, "the held connections of the cut ones to close")
    findings.promise(6, "its shadow session shrinks: nothing is held for it any more",
                     ", ".join(f"{name}: {count} held before, 0 now" for name, count in before.items()),
                     all(before.values()))
    cut_at = time.monotonic_ns()
    # An operator's word for one; the other one's own first packet is enough. Nobody has touched either in between.
    gateway.console(f"session restore {names[1]}")
    operator_row = gateway.sessions()[names[1]]
    came_back = wait_for(lambda: reaches(lab.desktop(BY_ACTIVITY), "web.lab"), 10, "d11 to be back by its own activity")
    by_operator = reaches(lab.desktop(BY_OPERATOR), "web.lab")
    states = gateway.sessions()
    findings.promise(6, "an operator's order or its own activity brings the secondary back",
                     f"{names[1]} by order: {operator_row['state']}; {names[0]} by its own packet: {states[names[0]]['state']}",
                     came_back and by_operator and operator_row["state"] == "active" and states[names[0]]["state"] == "active")
    time.sleep(1.6)  # what is not answered by now is lost
    beats = story.beats.within(begin, cut_at)
    findings.promise(6, "the primaries went on all the time", f"{beats.lost} of {beats.sent} messages lost",
                     beats.lost == 0 and beats.sent > 0)


def play_logout(story):
    """A logout takes the shadow session and what it held with it; then the desktop logs in again for the rest."""
    gateway, findings = story.gateway, story.findings
    name = f"d{LOGGED_OUT:02d}"
    before = wait_for(lambda: len(held_of(story, name)), 20, f"something to be held for {name} again")
    gateway.console(f"session logout {name}")
    wait_for(lambda: not held_of(story, name), 10, f"the held connections of {name} to close")
    row = gateway.console(f"show session {name}")
    shown = gateway.console(f"session login {name}")  # it comes back with a new session
    findings.promise(6, "a logout removes the shadow session and closes what it held",
                     f"{name}: {before} held before, 0 after; shadow session: {row['shadow']}; a new session after the next login: "
                     f"{shown['session']}", before > 0 and not row["shadow"] and row["state"] != "active")
