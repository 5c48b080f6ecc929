# SPDX-License-Identifier: BSD-3-Clause
"""How good the forecaster is on this history: the last whole day is kept from it, forecast, and compared.

`foregate forecast` reads the days before; what the store has of the day itself is the truth that it did not see.
"""

import csv
import datetime
import subprocess

from .history import DATABASE

STEPS = 288  # a day of 5-minute buckets
CLASS = "office"


def recorded(export):
    """(buckets in order, {bucket: connections}) of the database and one class, from the lines of an export."""
    buckets, found = {}, {}
    for row in csv.DictReader(export.splitlines()):
        buckets[row["bucket"]] = True
        if row["destination"] == DATABASE and row["class"] == CLASS:
            found[row["bucket"]] = int(row["connections"])
    return sorted(buckets), found


def play(story):
    """Adds the series `day` (hour, q025, mean, q975, recorded) and how much of the day lay within the bands."""
    findings, directory = story.findings, story.gateway.directory
    buckets, connections = recorded(story.gateway.usage("export"))
    day = (story.surge - datetime.timedelta(days=1)).strftime("%Y-%m-%d")
    before = [b for b in buckets if b < day]
    that_day = [b for b in buckets if b.startswith(day)]
    if len(that_day) != STEPS:
        raise RuntimeError(f"{day}: {len(that_day)} buckets in the store, expected {STEPS}")
    source, target = directory / "before.csv", directory / "forecast.csv"
    source.write_text("series,timestamp,value\n" + "".join(f"db,{b},{connections.get(b, 0)}\n" for b in before),
                      encoding="ascii")
    subprocess.run([str(story.gateway.foregate), "forecast", "--in", str(source), "--out", str(target), "--horizon", str(STEPS),
                    "--season", f"{STEPS},{7 * STEPS}"], check=True, capture_output=True, timeout=60)
    within, inner, busy = 0, 0, 0
    predicted, seen = 0.0, 0  # connections of the buckets with traffic
    with open(target, encoding="ascii") as file:
        for bucket, row in zip(that_day, csv.DictReader(file)):
            low, q10, mean, q90, high = (float(row[key]) for key in ("q025", "q10", "mean", "q90", "q975"))
            actual = connections.get(bucket, 0)
            hour = int(bucket[11:13]) + int(bucket[14:16]) / 60
            findings.add("day", hour, low, mean, high, actual)
            if actual or q90 > 0.5:
                busy += 1
                predicted += mean
                seen += actual
                within += low - 0.5 <= actual <= high + 0.5
                inner += q10 - 0.5 <= actual <= q90 + 0.5
    findings.figure("forecast_day_buckets_with_traffic", busy)
    findings.figure("forecast_day_within_95_percent_band", within)
    findings.figure("forecast_day_within_80_percent_band", inner)
    findings.figure("forecast_day_connections_predicted", predicted, 1)
    findings.figure("forecast_day_connections_recorded", seen)
    findings.promise(2, f"a whole day ({day}) kept from the forecaster: it predicts that day's surge in time and size",
                     f"{predicted:.0f} connections to {DATABASE} predicted, {seen} recorded; {within} of {busy} buckets within "
                     "the 95 % band", seen > 0 and abs(predicted - seen) <= 0.2 * seen)
