# SPDX-License-Identifier: BSD-3-Clause
"""Part 8: kill -9 in mid-run. The primaries go on over the kernel's bridge; a restart needs nobody's help."""

import time

from lab import wait_for

from .chapter_login import reaches
from .history import FIRST

DEAD_SECONDS = 3.0


def play(story, restart_with):
    """`restart_with`: config text of the second life (the clock goes on where it was)."""
    findings, lab, gateway = story.findings, story.lab, story.gateway
    busy = [lab.desktop(n).popen([lab.labprobe, "stream", "--to", "bulk.lab:7001", "--direction", "down",
                                  "--rate", "5M", "--seconds", "60"], name="stream") for n in (7, 8)]
    time.sleep(2)
    killed_at = gateway.kill()
    time.sleep(DEAD_SECONDS)
    dead = not reaches(lab.desktop(3), "web.lab")
    gateway.config.write_text(restart_with, encoding="ascii")
    begin = time.monotonic()
    starting = story.parallel.submit(gateway.start)
    wait_for(lambda: lab.desktop(3).run(["ping", "-c", "1", "-W", "1", "10.20.0.80"], check=False).returncode == 0, 60,
             "ping after the restart", 0.05)
    findings.figure("restart_to_ping_ms", (time.monotonic() - begin) * 1000, 0)
    starting.result()
    ready_at = time.monotonic_ns()
    checks = {
        "ping (IPv4)": list(story.parallel.map(lambda d: reaches(d, "-4", "web.lab"), lab.desktops)),
        "ping (IPv6)": list(story.parallel.map(lambda d: reaches(d, "-6", "web.lab"), lab.desktops)),
        "psql": list(story.parallel.map(lambda d: story.psql(d, "select count(*) from orders", check=False).stdout.strip()
                                        == "5000", lab.desktops)),
        "new connection": list(story.parallel.map(lambda d: d.json([lab.labprobe, "connect", "--to", FIRST, "--send", "ping"],
                                                                   check=False)["outcomes"] == {"answered": 1}, lab.desktops)),
    }
    for process in busy:
        process.stop()
    findings.promise(8, "kill -9 in mid-run, then a start with no operator's action: ping and new connections work",
                     f"ping {findings.figures['restart_to_ping_ms']:.0f} ms after the start; " + ", ".join(
                         f"{name} {sum(good)}/{len(good)}" for name, good in checks.items()),
                     dead and all(all(good) for good in checks.values()))
    time.sleep(1.6)  # what is not answered by now is lost
    back = [name for name, row in gateway.sessions().items() if row["state"] == "active"]
    findings.promise(8, "the sessions come back by the desktops' own packets", f"{len(back)} of {len(lab.desktops)}",
                     len(back) == len(lab.desktops))
    across = story.beats.within(killed_at - 500_000_000, ready_at + 1_000_000_000)
    findings.figure("primary_lost_packets_across_kill", across.lost)
    findings.figure("primary_longest_gap_across_kill_ms", across.longest_gap_ms, 0)
    findings.promise(8, "the primaries go on without the gateway (the kernel's bridge carries them)",
                     f"{across.lost} of {across.sent} messages lost across kill and restart, longest silence of a stream "
                     f"{across.longest_gap_ms:.0f} ms", across.sent > 0 and across.lost <= 0.02 * across.sent
                     and across.longest_gap_ms < 1000)
    return killed_at
