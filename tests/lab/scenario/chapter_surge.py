# SPDX-License-Identifier: BSD-3-Clause
"""Parts 2 and 3: the surge is seen coming, connections are held for everybody, and at its hour they are used."""

import re
import time

from lab import wait_for

from .findings import median, quantile
from .handshakes import compare
from .history import DATABASE, SECOND

UNPREDICTED = "archive.lab:5432"  # the same server, path and query under a name without a history
ROUNDS = 2
QUERY = "select count(*) from orders"


def wait_for_held(story, watch, timeout=60):
    """Returns when every desktop has a held connection to the database."""
    wanted = {d.name for d in story.lab.desktops}
    wait_for(lambda: wanted <= watch.desktops(), timeout, f"a held connection to {DATABASE} for every desktop", 0.3)


def report_prediction(story, watch):
    """Part 2, once the plan is in force."""
    findings = story.findings
    plan = story.gateway.plan()
    allotted = [row for row in plan["allotments"] if row["destination"] == DATABASE]
    classes = sorted({row["class"] for row in allotted})
    findings.promise(2, f"the forecaster sees the surge: {DATABASE} gets allotments for {story.surge:%H:%M}",
                     "; ".join(f"{r['class']} {r['direction']} {r['rate_bps'] / 1e6:.2f} Mbit/s" for r in allotted) or "none",
                     len(classes) == 2)
    targets = [row for row in plan["targets"] if row["destination"] == DATABASE]
    findings.say("targets: " + "; ".join(f"{t['class']}: {t['reason']}" for t in targets))
    held = watch.desktops()
    asked = [line for line in story.lab.dns.queries() if "db.lab" in line and " 10.10." in line]
    findings.figure("held_desktops_before_surge", len(held))
    findings.promise(2, "held connections to it for every desktop's session, though no desktop has asked for its name yet",
                     f"{len(held)} of {len(story.lab.desktops)} desktops; {len(asked)} questions of desktops at the DNS server",
                     len(held) == len(story.lab.desktops))


def move_database(story):
    """The name moves; the held connections follow."""
    begin = time.monotonic()
    address4, address6 = story.lab.move_database()
    wanted = {d.name for d in story.lab.desktops}

    def all_there():
        rows = story.gateway.held_to(DATABASE)
        good = [d for d, list_ in rows.items() if any(r["state"] == "held" and r["server"] in (address4, address6) for r in list_)
                and not any(r["state"] == "held" and r["server"] not in (address4, address6) for r in list_)]
        return wanted <= set(good)

    try:
        wait_for(all_there, 45, "the held connections to follow", 0.3)
        seconds = time.monotonic() - begin
        story.findings.figure("database_move_followed_s", seconds, 1)
        measured, kept = f"all {len(wanted)} desktops' after {seconds:.1f} s, at {address4}", True
    except Exception as error:  # pylint: disable=broad-except
        measured, kept = str(error), False
    story.findings.promise(2, "the database's address changes before the hour, and the held connections follow", measured, kept)


class Captures:
    """At the database, long enough to see every handshake, and from shortly before the hour at every desktop's own
    interface."""

    def __init__(self, story):
        self._lab = story.lab
        self._directory = story.lab.run_dir / "captures"
        self._directory.mkdir(exist_ok=True)
        self._server = self._at("db")
        self._desktops = []

    def _at(self, host):
        return self._lab.capture(host, self._directory / f"{host}.pcap", "tcp port 5432")

    def add_desktops(self, story):
        self._desktops = list(story.parallel.map(self._at, [d.name for d in self._lab.desktops]))

    def stop(self):
        for capture in [self._server, *self._desktops]:
            capture.stop()

    def compare(self, marks):
        return compare([p for capture in self._desktops for p in capture.packets()], self._server.packets(), marks)


def pg_query(story, desktop, to, mark):
    return desktop.json([story.lab.labprobe, "pg-query", "--to", to, "--query", f"{QUERY} /* {mark} */"], check=False)


def everybody_at_once(story):
    """At the hour: a real psql on every desktop at the same moment, and curl to the other predicted server."""
    marks = {d.name: f"{d.name}-psql" for d in story.lab.desktops}
    done = list(story.parallel.map(lambda d: story.psql(d, f"{QUERY} /* {marks[d.name]} */", check=False),
                                   story.lab.desktops))
    right = sum(p.stdout.strip() == "5000" for p in done)
    story.findings.promise(3, f"at {story.surge:%H:%M} every desktop's psql gets its answer", f"{right} of {len(done)}",
                           right == len(done))
    host, port = SECOND.split(":")
    format_ = "%{time_namelookup} %{time_connect}"
    pages = story.parallel.map(lambda d: d.run(["curl", "-sf", "-o", "/dev/null", "-w", format_, f"http://{host}:{port}/"],
                                               check=False), story.lab.desktops)
    times = [[float(word) for word in re.findall(r"[\d.]+", p.stdout)] for p in pages if p.returncode == 0]
    connects = [(t[1] - t[0]) * 1e6 for t in times if len(t) == 2]
    story.findings.figure("curl_connect_predicted_p50_us", median(connects), 0)
    return list(marks.values())


def one_after_the_other(story):
    """The timed clients: predicted and unpredicted in turn, each desktop by itself, so that they do not wait for each
    other's processor. Returns (predicted, unpredicted) results and the marks of the predicted."""
    predicted, unpredicted, marks = [], [], []
    for number in range(ROUNDS):
        if number:
            wait_until_refilled(story)
        for desktop in story.lab.desktops:
            mark = f"{desktop.name}-timed-{number}"
            predicted.append(pg_query(story, desktop, DATABASE, mark))
            marks.append(mark)
            unpredicted.append(pg_query(story, desktop, UNPREDICTED, f"{desktop.name}-other-{number}"))
    return predicted, unpredicted, marks


def wait_until_refilled(story):
    wanted = {d.name for d in story.lab.desktops}
    try:
        wait_for(lambda: wanted <= {d for d, rows in story.gateway.held_to(DATABASE).items()
                                    if any(r["state"] == "held" for r in rows)}, 8, "new held connections", 0.2)
    except Exception as error:  # pylint: disable=broad-except
        story.findings.note(str(error))


def samples(results, key):
    return [value for result in results for value in result.get(key, [])]


def figure_pair(story, name, predicted, unpredicted):
    for kind, values in (("predicted", predicted), ("unpredicted", unpredicted)):
        for quantile_name, share in (("p50", 0.5), ("p90", 0.9), ("max", 1.0)):
            value = median(values) if share == 0.5 else quantile(values, share)
            story.findings.figure(f"{name}_{kind}_{quantile_name}_us", value, 0)
        for value in values:
            story.findings.add(f"{name} {kind}", round(value, 1))


def report_times(story, predicted, unpredicted):
    findings = story.findings
    figure_pair(story, "connect", samples(predicted, "connect_us_samples"), samples(unpredicted, "connect_us_samples"))
    figure_pair(story, "answer", samples(predicted, "total_us_samples"), samples(unpredicted, "total_us_samples"))
    f, rtt = findings.figures, findings.figures.get("rtt_us", 40_000)
    connect, other = f.get("connect_predicted_p50_us"), f.get("connect_unpredicted_p50_us")
    if connect is None or other is None:
        findings.promise(3, "connect times are measured at the client", "no connection succeeded", False)
        return
    findings.promise(3, "connect() to the predicted server takes a small part of a round trip (median, at the client)",
                     f"{connect} us, against {other} us to an unpredicted one; round trip {rtt:.0f} us",
                     connect < 0.1 * rtt and other > 0.9 * rtt)
    answer, other = f["answer_predicted_p50_us"], f["answer_unpredicted_p50_us"]
    findings.promise(3, "the query's answer comes a round trip earlier (from connect() to the answer, median)",
                     f"{answer / 1000:.1f} ms, against {other / 1000:.1f} ms", answer < other - 0.5 * rtt)


def report_captures(story, captures, marks):
    captures.stop()
    carried = captures.compare(marks)
    ahead = [c.ahead_s for c in carried]
    before = sum(a > 0 for a in ahead)
    story.findings.figure("handshakes_compared", len(carried))
    story.findings.figure("handshakes_complete_before_syn", before)
    story.findings.figure("handshake_ahead_of_syn_p50_s", median(ahead), 3)
    story.findings.promise(3, "captures at both ends: the server's handshake was complete before the desktop's SYN",
                           f"{before} of {len(carried)} queries, {len(marks)} asked; median {median(ahead) or 0:.1f} s before",
                           before == len(marks))


def play_hour(story, watch, captures):
    """From a few seconds before the hour on; `captures` has the server's side since the database moved."""
    findings, clock = story.findings, story.clock
    captures.add_desktops(story)
    used_before = story.gateway.held_totals()["used"]
    clock.wait(story.surge)
    at_hour = time.monotonic()
    ages = sorted(watch.ages(at_hour).values())
    time.sleep(0.3)
    marks = everybody_at_once(story)
    wait_until_refilled(story)
    predicted, unpredicted, timed = one_after_the_other(story)
    totals = story.gateway.held_totals()
    findings.figure("held_opened", totals["opened"])
    findings.figure("held_used", totals["used"])
    findings.figure("held_expired", totals["expired"])
    findings.figure("held_failed", totals["failed"])
    findings.figure("held_used_in_surge", totals["used"] - used_before)
    if ages:
        findings.figure("held_age_before_use_s", ages[0], 1)
    report_times(story, predicted, unpredicted)
    report_captures(story, captures, marks + timed)
    return ages


def report_age(story, ages):
    """A server that loses patience closes the connection, and the gateway counts why held connections ended."""
    closed = story.gateway.held()["totals"]["closed_by_reason"]
    by_server = sum(closed.get(reason, 0) for reason in ("server_fin", "server_rst"))
    story.findings.figure("held_closed_by_server", by_server)
    story.findings.promise(2, "kept up for at least 3 minutes before use, each replaced before the server's 60 s limit",
                           (f"the shortest of {len(ages)} desktops: {ages[0]:.0f} s; " if ages else "none held; ")
                           + f"{by_server} closed by a server",
                           len(ages) == len(story.lab.desktops) and ages[0] >= 180 and by_server == 0)
