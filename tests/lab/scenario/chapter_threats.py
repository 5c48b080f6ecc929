# SPDX-License-Identifier: BSD-3-Clause
"""Part 5: listed destinations by address, DNS name, TLS server name and HTTP host, each from a real program."""

from lab import wait_for

LISTED4, LISTED6, UNLISTED = "10.20.6.66", "fd00:20::6:66", "10.20.6.67"
DESKTOP = 10
CURL = ["curl", "-sS", "-k", "--max-time", "4", "-o", "/dev/null"]

# (what is tried, the program, the reason that the event must give, how often)
ATTEMPTS = [
    ("address, IPv4, TLS", [*CURL, f"https://{LISTED4}/"], "threat_address"),
    ("address, IPv4, port 22", ["curl", "-sS", "--max-time", "4", f"telnet://{LISTED4}:22"], "threat_address"),
    ("address, IPv6", [*CURL, f"http://[{LISTED6}]/"], "threat_address"),
    ("DNS name", [*CURL, "http://bad.lab/"], "threat_dns_name"),
    ("TLS server name", [*CURL, "--resolve", f"sni-bad.lab:443:{UNLISTED}", "https://sni-bad.lab/"], "threat_tls_name"),
    ("HTTP host", [*CURL, "-H", "Host: host-bad.lab", f"http://{UNLISTED}/"], "threat_http_host"),
]


def alerts(story, reason):
    return [e for e in story.gateway.events("alert") if e.get("foregate", {}).get("reason") == reason]


def listed_packets(story):
    counts = story.lab.evil_packets()
    return sum(counts.get(address, {}).get("packets", 0) for address in (LISTED4, LISTED6))


def try_one(story, what, argv, reason):
    """True when the program failed and an event gives the reason; the words that go into the report."""
    before = len(alerts(story, reason))
    ended = story.lab.desktop(DESKTOP).run(argv, check=False, timeout=20)
    try:
        found = wait_for(lambda: alerts(story, reason)[before:], 5, f"an event with {reason}")
    except Exception:  # pylint: disable=broad-except
        found = []
    blocked = [e for e in found if e["alert"]["action"] == "blocked"]
    stopped = ended.returncode != 0 and bool(blocked)
    entry = blocked[0]["foregate"].get("entry", "") if blocked else "no event"
    story.findings.promise(5, f"listed by {what}: stopped, with the reason",
                           f"program's exit {ended.returncode}; {reason}, entry {entry}", stopped)
    return stopped


def play(story):
    lab, findings = story.lab, story.findings
    packets_before = listed_packets(story)
    questions_before = sum("bad.lab" in line for line in lab.dns.queries())
    capture = lab.capture("evil", lab.run_dir / "evil-names.pcap", f"tcp and dst host {UNLISTED}")
    stopped = sum(try_one(story, *attempt) for attempt in ATTEMPTS)
    capture.stop()
    payload = sum(len(p.payload) > 0 for p in capture.packets())
    leaked = listed_packets(story) - packets_before
    questions = sum("bad.lab" in line for line in lab.dns.queries()) - questions_before
    findings.figure("threat_attempts", len(ATTEMPTS))
    findings.figure("threat_blocked", stopped)
    findings.figure("threat_leaked_packets", leaked)
    findings.figure("threat_leaked_names", payload + questions)
    findings.promise(5, "no packet of a listed address's connection reached the malicious host (counted there)",
                     f"{leaked} packets", leaked == 0)
    findings.promise(5, "no listed name left the gateway: no DNS question, no TLS hello, no HTTP request",
                     f"{questions} questions at the DNS server, {payload} packets with content at the host",
                     questions == 0 and payload == 0)
