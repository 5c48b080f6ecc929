# SPDX-License-Identifier: BSD-3-Clause
"""The report on the terminal: what was promised, what was measured, whether it was kept."""

import textwrap

POINTS = {
    0: "The run itself",
    1: "1. Login: a shadow session for every desktop, monitored from the first moment",
    2: "2. Before the hour: the surge is predicted and connections are held ready",
    3: "3. At the hour: real clients connect, measured at the client and captured at both ends",
    4: "4. Overload: two predicted destinations on a link that everybody wants",
    5: "5. Threats and deviations are stopped before they reach anything; the primaries go on",
    6: "6. Idle desktops lose the secondary only; logout",
    7: "7. Usage is recorded, anonymised",
    8: "8. kill -9, restart, end",
}
# (row, [(column's figure)]) of the comparison tables; a figure that is not there is shown as "-".
CONNECT_ROWS = [
    ("connect(), median", "connect_{}_p50_us"), ("connect(), 90 %", "connect_{}_p90_us"),
    ("connect to answer, median", "answer_{}_p50_us"), ("connect to answer, 90 %", "answer_{}_p90_us"),
]
OVERLOAD_ROWS = [
    ("first destination, Mbit/s each way", "overload_{}_mbps"), ("  its answer, median, ms", "overload_{}_p50_ms"),
    ("  its answer, 99 %, ms", "overload_{}_p99_ms"), ("second destination, down, Mbit/s", "overload_{}_second_down_mbps"),
    ("second destination, up, Mbit/s", "overload_{}_second_up_mbps"), ("bulk, all, down, Mbit/s", "overload_{}_bulk_down_mbps"),
    ("bulk, all, up, Mbit/s", "overload_{}_bulk_up_mbps"),
]
WIDTH = 118


def table(title, columns, rows, figures):
    """`columns`: (heading, word in the figure's name)."""
    body = [(name, [figures.get(pattern.format(word)) for _, word in columns]) for name, pattern in rows]
    body = [(name, cells) for name, cells in body if any(cell is not None for cell in cells)]
    if not body:
        return []
    widths = [max(len(heading), 12) for heading, _ in columns]
    lines = ["", title, " " * 36 + "".join(heading.rjust(width + 2) for (heading, _), width in zip(columns, widths))]
    for name, cells in body:
        shown = ["-" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in cells]
        lines.append(f"{name:<36}" + "".join(cell.rjust(width + 2) for cell, width in zip(shown, widths)))
    return lines


def setting(findings):
    facts, figures = findings.facts, findings.figures
    if not facts:
        return []
    line = facts["delay_line"]["up"]
    rtt = f"{figures['rtt_us'] / 1000:.1f} ms measured by ping" if "rtt_us" in figures else "not measured"
    return textwrap.wrap(
        f"{facts['desktops']} desktops, real programs and TCP stacks in network namespaces; every host's congestion control: "
        f"{', '.join(facts['congestion_control'])}; delay line {line['delay_ms']:g} ms each way, round trip {rtt}; gateway on "
        f"{figures.get('ports', '?')} ports; kernel {facts['kernel']}, {facts['cores']} cores for everything.", WIDTH)


def promises(findings):
    lines = []
    for point, title in POINTS.items():
        rows = [p for p in findings.promises if p["point"] == point]
        if not rows:
            continue
        lines += ["", title]
        for row in rows:
            mark = "  ok      " if row["kept"] else "  BROKEN  "
            lines += textwrap.wrap(row["claim"], WIDTH, initial_indent=mark, subsequent_indent=" " * 10)
            lines += textwrap.wrap("measured: " + row["measured"], WIDTH, initial_indent=" " * 12,
                                   subsequent_indent=" " * 22)
    return lines


def render(findings):
    figures = findings.figures
    broken = findings.broken()
    lines = ["", "=" * WIDTH, "foregate: what was promised and what was measured", "=" * WIDTH, *setting(findings),
             *promises(findings)]
    lines += table("A predicted and an unpredicted server on the same path, microseconds at the client (psql's protocol)",
                   [("predicted", "predicted"), ("unpredicted", "unpredicted")], CONNECT_ROWS, figures)
    lines += table("The overloaded link (40 Mbit/s each way, both full)",
                   [("plan on", "with_plan"), ("plan off", "without_plan"), ("kernel only", "kernel"), ("idle link", "idle")],
                   OVERLOAD_ROWS, figures)
    counts = [("held connections opened / used", ("held_opened", "held_used")),
              ("the same, surge at 10:30", ("held_opened_surge_1030", "held_used_surge_1030")),
              ("opened ahead without a surge", ("held_opened_without_surge",)),
              ("primary messages lost, without / across kill", ("primary_lost_packets", "primary_lost_packets_across_kill"))]
    shown = [(name, " / ".join(str(figures.get(key, "-")) for key in keys)) for name, keys in counts
             if any(key in figures for key in keys)]
    lines += ["", *(f"{name:<48}{text}" for name, text in shown)]
    lines += [f"note: {note}" for note in findings.notes]
    kept = len(findings.promises) - len(broken)
    lines += ["", f"{kept} promises kept, {len(broken)} broken; {figures.get('story_s', 0):.0f} s; "
              "all figures in out/report.json, plots in out/report.html"]
    lines += [f"BROKEN: {p['claim']}: {p['measured']}" for p in broken]
    return "\n".join(lines)
