# SPDX-License-Identifier: BSD-3-Clause
"""out/report.html: one self-contained page, plots as inline SVG, nothing loaded from anywhere."""

import datetime
import html

from . import plots
from .report_text import OVERLOAD_ROWS, POINTS, setting

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:58rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid #ddd;padding:.3rem .5rem;text-align:left;vertical-align:top}td.n{text-align:right}
.ok{color:#2a7d4f;font-weight:600}.broken{color:#b3261e;font-weight:600}svg{width:100%;height:auto;font-size:11px}
svg .grid{stroke:#e4e4e4}svg .mark{stroke:#555;stroke-dasharray:4 3}.small{color:#555;font-size:.9rem}
"""
VARIANTS = [("plan on", "with_plan"), ("plan off", "without_plan"), ("kernel only", "kernel"), ("idle link", "idle")]


def section(title, text, *bodies):
    bodies = [body for body in bodies if body]
    if not bodies:
        return ""
    return f"<h2>{html.escape(title)}</h2><p class=small>{html.escape(text)}</p>" + "".join(bodies)


def hour(text):
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M")


def clock_label(hours):
    return f"{int(hours) % 24:02d}:{round(hours % 1 * 60):02d}"


def day_plot(findings):
    """The day that was kept from the forecaster: its band, and what was recorded."""
    day = findings.series.get("day", [])
    return plots.lines({"mean of the forecast": [(r[0], r[2]) for r in day], "recorded": [(r[0], r[4]) for r in day]},
                       "time of day", "new connections in 5 min, office", label_x=clock_label, step_x=2,
                       bands=[("95 % of the forecast", [(r[0], r[1], r[3]) for r in day])]) if day else ""


def hour_plot(findings):
    """The forecast of the next hour as it stood before the surge, by class."""
    rows, bands = {}, []
    for usage_class in ("office", "engineering"):
        band = findings.series.get(f"forecast {usage_class} connections", [])
        at = [hour(start).hour + hour(start).minute / 60 for start, *_ in band]
        if band:
            bands.append((f"{usage_class}, 10 to 97.5 %", [(x, row[1], row[4]) for x, row in zip(at, band)]))
            rows[f"{usage_class}, mean"] = [(x, row[2]) for x, row in zip(at, band)]
    return plots.lines(rows, "time of day", "new connections in 5 min", bands=bands, label_x=clock_label, step_x=1 / 6)


def rates(findings):
    """Traffic classes over time, one picture for each port."""
    result = []
    marks = [(findings.figures["hour_at_s"], "the hour")] if "hour_at_s" in findings.figures else []
    for port, text in (("desktops", "to the desktops"), ("upstream", "upstream")):
        found = {name.split(" ", 2)[2]: [(x, y) for x, y in rows] for name, rows in findings.series.items()
                 if name.startswith(f"rate {port} ")}
        if found:
            result.append(plots.lines(found, "seconds of the run", f"{text}, Mbit/s", marks=marks))
    return result


def overload_table(figures):
    rows = []
    for name, pattern in OVERLOAD_ROWS:
        cells = [figures.get(pattern.format(word)) for _, word in VARIANTS]
        if any(cell is not None for cell in cells):
            rows.append(f"<tr><td>{html.escape(name)}</td>" + "".join(
                f"<td class=n>{'' if cell is None else f'{cell:g}'}</td>" for cell in cells) + "</tr>")
    if not rows:
        return ""
    heads = "".join(f"<th>{heading}</th>" for heading, _ in VARIANTS)
    return f"<table><tr><th></th>{heads}</tr>{''.join(rows)}</table>"


def promise_table(findings):
    parts = []
    for point, title in POINTS.items():
        rows = [p for p in findings.promises if p["point"] == point]
        if rows:
            parts.append(f"<tr><th colspan=3>{html.escape(title)}</th></tr>")
        for row in rows:
            mark = "<td class=ok>kept</td>" if row["kept"] else "<td class=broken>broken</td>"
            parts.append(f"<tr>{mark}<td>{html.escape(row['claim'])}</td><td>{html.escape(row['measured'])}</td></tr>")
    return f"<table>{''.join(parts)}</table>"


def figure_table(figures):
    rows = "".join(f"<tr><td><code>{html.escape(name)}</code></td><td class=n>{html.escape(str(value))}</td></tr>"
                   for name, value in figures.items())
    return f"<details><summary>Every figure that was measured</summary><table>{rows}</table></details>"


def page(findings):
    series, figures = findings.series, findings.figures
    connects = {f"{name} {kind}": [row[0] for row in series.get(f"{name} {kind}", [])]
                for name in ("connect", "answer") for kind in ("predicted", "unpredicted")}
    latency = {heading: [(x, y) for x, y in series.get(f"latency {word}", [])] for heading, word in VARIANTS}
    held = {"connections": [(row[0], row[1]) for row in series.get("held", [])],
            "desktops with one": [(row[0], row[2]) for row in series.get("held", [])]}
    marks = [(figures["hour_at_s"], "the hour")] if "hour_at_s" in figures else []
    broken = findings.broken()
    verdict = (f'<span class=ok>All {len(findings.promises)} promises were kept.</span>' if not broken else
               f'<span class=broken>{len(broken)} of {len(findings.promises)} promises were broken.</span>')
    return "".join([
        "<!doctype html><html lang=en><meta charset=utf-8><title>foregate: the report</title>"
        f"<style>{STYLE}</style><h1>foregate: what was promised and what was measured</h1><p>{verdict}</p>",
        f"<p class=small>{html.escape(' '.join(setting(findings)))}</p>", promise_table(findings),
        section("Forecast against what was recorded", "Connections to the database on the last whole day, which was kept from "
                "the forecaster.", day_plot(findings)),
        section("The forecast that the plan was made from", "Connections to the database in the next hour, as it stood before "
                "the surge.", hour_plot(findings)),
        section("Held connections to the database", "Opened before anybody asks, replaced before their age limit, used at "
                "the hour.", plots.lines({k: v for k, v in held.items() if v}, "seconds of the run", "count", marks=marks)),
        section("Connect times at the client", "Sorted samples on a logarithmic scale: connect() alone, and from connect() "
                "to the query's answer.", plots.distributions({k: v for k, v in connects.items() if v},
                                                              "share of the samples, %", "microseconds")),
        section("Overload", "Six desktops move bulk data both ways while two predicted destinations are in use.",
                overload_table(figures), plots.lines({k: v for k, v in latency.items() if v},
                                                     "seconds", "answer of the first destination, ms", log_y=True)),
        section("Rate of each traffic class", "What the schedulers sent, by port.", *rates(findings)),
        "".join(f"<p class=small>Note: {html.escape(note)}</p>" for note in findings.notes),
        figure_table(figures), "</html>\n"])


def write(findings, path):
    path.write_text(page(findings), encoding="utf-8")
