# SPDX-License-Identifier: BSD-3-Clause
"""Part 5: a desktop turns to what its class never does (SSH to 30 hosts); its twin within the pattern is untouched."""

import time

from lab import plan, wait_for

DEVIANT, TWIN = 5, 6


def ssh_packets(story):
    counts = story.lab.evil_packets()
    return sum(counts.get(address, {}).get("packets", 0) for address in plan.SSH_HOSTS4)


def play(story):
    lab, gateway, findings = story.lab, story.gateway, story.findings
    wait_for(lambda: any(c.get("active") for c in pattern_classes(story)), 30, "a pattern of the classes")
    before = ssh_packets(story)
    drops_before = gateway.drops()["deviation"]
    deviant, twin = lab.desktop(DEVIANT), lab.desktop(TWIN)
    attempt = [lab.labprobe, "connect", "--timeout-ms", "800", "--to"]
    tries = story.parallel.map(lambda host: deviant.json([*attempt, f"{host}:22"], check=False)["outcomes"], plan.SSH_HOSTS4)
    beside = story.psql(twin, "select count(*) from orders", check=False)
    page = twin.run(["curl", "-sfk", "--max-time", "10", "https://web.lab/"], check=False)
    outcomes = list(tries)
    reached = sum("connected" in outcome for outcome in outcomes)
    time.sleep(0.5)  # packets that were let through would be with the host by now
    leaked = ssh_packets(story) - before
    events = [e for e in gateway.events("alert") if e.get("foregate", {}).get("reason") == "deviation"
              and e["foregate"].get("desktop", f"d{DEVIANT:02d}") == f"d{DEVIANT:02d}"]
    blocked = len(outcomes) - reached
    findings.figure("deviation_attempts", len(outcomes))
    findings.figure("deviation_blocked", blocked)
    findings.figure("deviation_leaked_packets", leaked)
    findings.promise(5, f"SSH from d{DEVIANT:02d} to {len(outcomes)} hosts, which its class never does: stopped before the "
                     "first packet went upstream", f"{blocked} stopped, {leaked} packets at the hosts, "
                     f"{gateway.drops()['deviation'] - drops_before} packets dropped for deviation",
                     blocked == len(outcomes) and leaked == 0)
    shown = events[-1]["foregate"] if events else {}
    findings.promise(5, "the event shows expected against seen", f"expected {shown.get('expected_connections')}, "
                     f"seen {shown.get('seen_connections')} ({shown.get('app')}, {shown.get('destination')})" if shown
                     else "no event", "expected_connections" in shown and "seen_connections" in shown)
    against_twin = [e for e in gateway.events("alert") if e.get("src_ip") in (twin.place.secondary4, twin.place.secondary6)
                    and e["alert"]["action"] == "blocked"]
    findings.promise(5, f"its twin d{TWIN:02d}, within the pattern (psql, curl), is untouched",
                     f"psql: {beside.stdout.strip() or beside.stderr.strip()}, curl's exit {page.returncode}, "
                     f"{len(against_twin)} events against it",
                     beside.stdout.strip() == "5000" and page.returncode == 0 and not against_twin)


def pattern_classes(story):
    """Rows of `show pattern`."""
    shown = story.gateway.console("show pattern")
    return shown["classes"] if isinstance(shown, dict) else shown
