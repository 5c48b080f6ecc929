# SPDX-License-Identifier: BSD-3-Clause
"""Fourteen days of usage history: office hours, quiet weekends, noise, and one surge that the forecaster has to see."""

import datetime
import math
import random

HEADER = "bucket,class,app,destination,desktops,connections,failed,packets_up,packets_down,bytes_up,bytes_down"
BUCKET = datetime.timedelta(minutes=5)
BUCKET_SECONDS = 300
SURGE_LENGTH = datetime.timedelta(hours=1)
CLASSES = {"office": 6, "engineering": 6}
DATABASE, FIRST, SECOND = "db.lab:5432", "app.lab:7000", "report.lab:7002"

# What goes on all through a working day: destination, type, new connections per desktop and bucket, Mbit/s up and down of
# a class at the busiest time. Browsers keep their connections open for hours, so few new ones are begun in five minutes.
EVERYDAY = [
    ("web.lab:443", "web", 0.25, 0.03, 0.25),
    ("files.lab:443", "web", 0.2, 0.10, 0.40),
    ("intranet.lab:443", "web", 0.2, 0.02, 0.10),
    ("10.20.0.53:53", "name-service", 5.0, 0.004, 0.008),
]
# What comes with the surge, by class: new connections per desktop and bucket, Mbit/s up and down of the class.
SURGE = {
    "office": [(DATABASE, "database", 1.6, 0.3, 0.8), (FIRST, "database", 0.9, 6.2, 6.2), (SECOND, "other", 0.9, 6.2, 6.2)],
    "engineering": [(DATABASE, "database", 1.6, 0.3, 0.8), (FIRST, "database", 0.9, 0.3, 0.3), (SECOND, "other", 0.9, 0.3, 0.3)],
}
# Too few desktops to be named, so only the rest of its type knows of it.
REST = [("web", 0.15, 0.05, 0.3), ("mail", 0.1, 0.02, 0.05)]


def busyness(moment):
    """0 to 1: how much of the fleet is at work."""
    if moment.weekday() >= 5:
        return 0.03
    hour = moment.hour + moment.minute / 60
    if hour < 7 or hour >= 19:
        return 0.02
    shape = math.sin(math.pi * (hour - 7) / 12) ** 0.5
    lunch = 0.25 * math.exp(-((hour - 12.5) / 0.6) ** 2)
    return max(shape - lunch, 0.02)


def row(noise, moment, name, app, destination, fleet, share, each, mbps_up, mbps_down):
    """One line of the file, None when nobody took part."""
    desktops = sum(noise.random() < share for _ in range(fleet))
    if desktops == 0:
        return None
    level = desktops / fleet
    connections = round(max(desktops * each * noise.gauss(1, 0.1) + noise.uniform(-0.4, 0.4), 0))
    up = max(round(mbps_up * 1e6 / 8 * BUCKET_SECONDS * level * noise.gauss(1, 0.04)), 64)
    down = max(round(mbps_down * 1e6 / 8 * BUCKET_SECONDS * level * noise.gauss(1, 0.04)), 64)
    return (f"{moment:%Y-%m-%d %H:%M},{name},{app},{destination},{desktops},{connections},0,"
            f"{up // 700 + 1},{down // 900 + 1},{up},{down}")


def bucket_rows(noise, moment, surge):
    """All rows of one bucket; `surge`: its time of day, or None for a history without one."""
    busy = busyness(moment)
    in_surge = False
    if surge is not None and moment.weekday() < 5:
        begin = datetime.datetime.combine(moment.date(), surge)
        in_surge = begin <= moment < begin + SURGE_LENGTH
    for name, fleet in CLASSES.items():
        there = min(busy * 1.6, 0.995)
        for destination, app, each, up, down in EVERYDAY:
            yield row(noise, moment, name, app, destination, fleet, there, each, up * busy, down * busy)
        for app, each, up, down in REST:
            yield row(noise, moment, name, app, "other", fleet, there, each, up * busy, down * busy)
        if in_surge:
            for destination, app, each, up, down in SURGE[name]:
                yield row(noise, moment, name, app, destination, fleet, 0.99, each, up, down)


def write(path, until, surge, days=14, seed=20260304):
    """The buckets of `days` days before the day of `until`, and of that day up to `until`. Returns the number of rows."""
    noise = random.Random(seed)
    moment = datetime.datetime.combine(until.date(), datetime.time()) - datetime.timedelta(days=days)
    rows = 0
    with open(path, "w", encoding="ascii") as file:
        file.write(HEADER + "\n")
        while moment + BUCKET <= until:
            lines = [line for line in bucket_rows(noise, moment, surge) if line]
            file.writelines(line + "\n" for line in lines or [f"{moment:%Y-%m-%d %H:%M},,,,,,,,,,"])
            rows += len(lines)
            moment += BUCKET
    return rows
