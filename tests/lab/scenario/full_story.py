# SPDX-License-Identifier: BSD-3-Clause
"""One surge played in full: the order in time of all chapters, several of them at once where they do not touch."""

import datetime
import time
import traceback

from . import (chapter_deviation, chapter_idle, chapter_kill, chapter_login, chapter_overload, chapter_surge,
               chapter_threats, chapter_usage, forecast_check, gateway_config, history)
from .gateway import Gateway
from .held_watch import HeldWatch
from .story import Clock, QueueWatch, Repeating, Story

LEAD = datetime.timedelta(seconds=280)
MOVE_BEFORE = datetime.timedelta(seconds=90)
READY_BEFORE = datetime.timedelta(seconds=8)
RATE_MBPS = 38  # of the gateway's ports; the link behind them has 40, so the queue stands where it is managed
DAY = datetime.date(2026, 3, 4)  # a Wednesday
PORTS = {"xdp": "AF_XDP", "packet": "AF_PACKET"}
IDLE = {chapter_idle.IDLE_CLASS: chapter_idle.IDLE_TIMEOUT}
WORKING = range(7, 11)  # desktops of the class with the short idle timeout at which somebody works all the time


def chapter(story, point, play, *arguments):
    """A chapter that fails breaks its promise, not the story."""
    try:
        return play(story, *arguments)
    except Exception as error:  # pylint: disable=broad-except
        name = getattr(play, "__module__", "").rsplit(".", maxsplit=1)[-1] + "." + play.__name__
        story.findings.say(traceback.format_exc())
        story.findings.promise(point, f"{name} can be played to its end", error, False)
        return None


def config_text(paths, directory, clock_start, drive, idle):
    return gateway_config.make(paths.template, directory, clock_start, RATE_MBPS, paths.feed, drive, idle)


def gateway_with_history(lab, paths, directory, clock_start, surge, findings, drive, idle=None):
    """A gateway over a fresh usage store with fourteen days of history in it. `idle`: {class: timeout}."""
    gateway = Gateway(lab, paths.foregate, directory, config_text(paths, directory, clock_start, drive, idle))
    gateway.check()
    csv = gateway.directory / "history.csv"
    rows = history.write(csv, clock_start, surge)
    said = gateway.usage("import", csv, "--dense").strip()
    findings.say(f"{rows} rows of history imported: {said}")
    return gateway


def start_with_fallback(lab, paths, directory, clock_start, surge, findings):
    """(gateway, drive): AF_XDP ports, or AF_PACKET where those do not start."""
    for drive in ("xdp", "packet"):
        lab.kernel_forwards(drive == "xdp")
        gateway = gateway_with_history(lab, paths, directory, clock_start, surge, findings, drive, IDLE)
        try:
            seconds = gateway.start()
            findings.figure("start_s", seconds, 1)
            findings.figure("ports", PORTS[drive])
            return gateway, drive
        except Exception as error:  # pylint: disable=broad-except
            problem = f"{error}; {gateway.failure()}"
            gateway.stop()
            gateway.clear()
            if drive == "packet":
                raise RuntimeError(f"the gateway does not start: {problem}") from error
            findings.note(f"AF_XDP ports did not start, AF_PACKET instead (primaries on the kernel bridge): {problem}")
    raise AssertionError("not reached")


def keep_working(story, numbers):
    """A ping now and then from desktops where somebody works."""
    return Repeating(12.0, lambda: list(story.parallel.map(
        lambda n: story.lab.desktop(n).run(["ping", "-c", "1", "-W", "2", "10.20.0.80"], check=False), numbers)))


def before_the_hour(story, watch):
    chapter(story, 2, chapter_surge.wait_for_held, watch)
    chapter(story, 2, chapter_surge.report_prediction, watch)
    keep_forecast(story)
    chapter(story, 5, chapter_threats.play)
    chapter(story, 5, chapter_deviation.play)
    chapter(story, 7, chapter_usage.use)
    chapter(story, 2, forecast_check.play)
    story.clock.wait(story.surge - MOVE_BEFORE)
    chapter(story, 1, chapter_login.play_monitors)
    captures = chapter_surge.Captures(story)  # no held connection gets as old as this
    chapter(story, 2, chapter_surge.move_database)
    story.clock.wait(story.surge - READY_BEFORE)
    return captures


def after_the_hour(story):
    idle = story.parallel.submit(chapter, story, 6, chapter_idle.play)
    chapter(story, 4, chapter_overload.play, RATE_MBPS)
    idle.result()
    chapter(story, 6, chapter_idle.play_logout)


def report_primaries(story, begin_ns, end_ns):
    time.sleep(1.6)  # what is not answered by now is lost
    calm = story.beats.within(begin_ns, end_ns)
    story.findings.figure("primary_packets", calm.sent)
    story.findings.figure("primary_lost_packets", calm.lost)
    story.findings.figure("primary_longest_gap_ms", calm.longest_gap_ms, 0)
    story.findings.promise(5, "the primaries never miss a beat, whatever happens on the secondaries",
                           f"{calm.lost} of {calm.sent} messages lost, longest silence {calm.longest_gap_ms:.0f} ms",
                           calm.sent > 0 and calm.lost == 0)


def keep_forecast(story):
    """The band for the plot, as it was before the hour."""
    for row in story.gateway.console("show forecast"):
        if row["destination"] == history.DATABASE and row["metric"] in ("connections", "bytes_down"):
            for step in row["steps"]:
                story.findings.add(f"forecast {row['class']} {row['metric']}", step["start"], step["q10"], step["mean"],
                                   step["q90"], step["q975"])
            story.findings.figure(f"forecast_model_{row['class']}_{row['metric']}", row["chosen"])


def play(lab, paths, surge_time, findings):
    """Plays it; what was found is in `findings`."""
    surge = datetime.datetime.combine(DAY, surge_time)
    directory = lab.run_dir / f"gateway-{surge:%H%M}"
    beats = lab.start_beats()
    gateway, drive = start_with_fallback(lab, paths, directory, surge - LEAD, surge_time, findings)
    begin_ns = time.monotonic_ns()
    story = Story(lab, gateway, findings, surge, clock=Clock(gateway), beats=beats, drive=drive)
    try:
        watch, queues = HeldWatch(story), QueueWatch(story)
        chapter(story, 1, chapter_login.play)
        working = keep_working(story, range(7, 13))
        captures = before_the_hour(story, watch)
        working.stop()
        working = keep_working(story, WORKING)
        findings.figure("hour_at_s", round(time.monotonic() - findings.begin + story.clock.until(surge), 1))
        ages = chapter(story, 3, chapter_surge.play_hour, watch, captures)
        chapter_surge.report_age(story, ages or [])
        watch.stop()
        after_the_hour(story)
        since = surge - datetime.timedelta(minutes=5)
        chapter(story, 7, chapter_usage.report, since.strftime("%Y-%m-%d %H:%M"))
        queues.stop()
        working.stop()
        report_primaries(story, begin_ns, time.monotonic_ns() - 200_000_000)
        chapter(story, 8, chapter_kill.play, config_text(paths, directory, story.clock.now(), drive, IDLE))
        beats.stop()
        status = gateway.stop()
        findings.promise(8, "SIGTERM ends the gateway in order", f"exit status {status}", status == 0)
        lab.kernel_forwards(True)
        chapter(story, 4, chapter_overload.play_kernel)
        lab.kernel_forwards(drive == "xdp")
    finally:
        gateway.stop()
        story.parallel.shutdown(wait=False, cancel_futures=True)
    return drive
