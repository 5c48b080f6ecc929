#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Plays the story and writes the report. Called by scripts/run; exit status 0 only when every promise was kept."""

import argparse
import datetime
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "lab"))

from lab import Lab  # noqa: E402  pylint: disable=wrong-import-position
from scenario import full_story, report_html, report_json, report_text, short_story  # noqa: E402  pylint: disable=C0413
from scenario.findings import Findings  # noqa: E402  pylint: disable=wrong-import-position

MAIN_SURGE, MOVED_SURGE = datetime.time(14, 0), datetime.time(10, 30)


@dataclass
class Paths:
    """What the run is made of."""

    foregate: pathlib.Path
    template: pathlib.Path
    feed: pathlib.Path


def surge_time(text):
    if text == "all":
        return text
    if text == "none":
        return None
    try:
        return datetime.datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}': expected HH:MM or none") from None


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--surge", type=surge_time, default="all", help="HH:MM in full, or none; default: 14:00 in full, "
                        "10:30 and none in short")
    parser.add_argument("--foregate", type=pathlib.Path, default=ROOT / "build" / "foregate")
    parser.add_argument("--tools", type=pathlib.Path, default=ROOT / "build" / "tests" / "lab" / "tools")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "out")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder: configs, logs, captures")
    parser.add_argument("--short", action="store_true", help="with --surge: only what is opened ahead")
    return parser.parse_args()


def play_all(arguments, lab, paths, findings):
    findings.facts = lab.facts()
    if arguments.surge == "all":
        drive = full_story.play(lab, paths, MAIN_SURGE, findings)
        short_story.play(lab, paths, MOVED_SURGE, findings, drive)
        short_story.play(lab, paths, None, findings, drive)
    elif arguments.surge is None or arguments.short:
        short_story.play(lab, paths, arguments.surge, findings, "xdp")
    else:
        full_story.play(lab, paths, arguments.surge, findings)


def main():
    arguments = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the lab is taken down
    run_dir = pathlib.Path(tempfile.mkdtemp(prefix="foregate-run-", dir="/var/tmp"))
    run_dir.chmod(0o755)
    feed = run_dir / "lab-threats.txt"
    shutil.copy(ROOT / "conf" / "lab-threats.txt", feed)
    paths = Paths(arguments.foregate, ROOT / "conf" / "lab.yaml", feed)
    findings = Findings("story")
    begin = time.monotonic()
    try:
        with Lab(run_dir, arguments.tools, delay_ms=20) as lab:
            findings.say(f"the lab is up after {time.monotonic() - begin:.1f} s")
            play_all(arguments, lab, paths, findings)
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc()
        findings.promise(0, "the story can be played to its end", error, False)
    finally:
        if arguments.keep:
            findings.say(f"kept: {run_dir}")
        else:
            shutil.rmtree(run_dir, ignore_errors=True)
    findings.figure("story_s", time.monotonic() - begin, 1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    report_json.write(findings, arguments.out / "report.json")
    report_html.write(findings, arguments.out / "report.html")
    print(report_text.render(findings))
    return 1 if findings.broken() else 0


if __name__ == "__main__":
    sys.exit(main())
