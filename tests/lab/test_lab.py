#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The lab's own test: with the kernel as the gateway, everything the scenario relies on works and is measured right.

Needs root and the built tools (argument or $FOREGATE_LAB_TOOLS). Order and presence are checked, not times: where a
delay is looked at, it is against the line's own setting with a wide margin on the safe side.
"""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from lab import Lab, interval_figures, plan, wait_for  # noqa: E402  pylint: disable=wrong-import-position

PREFIX = "fglt-"
QUERY = "select count(*) from orders"


def psql(desktop, statement=QUERY, host="db.lab"):
    return desktop.run(["psql", "-h", host, "-U", "lab", "-d", "lab", "-Atc", statement]).stdout.strip()


def probe_connect(lab, desktop, to, *more):
    return desktop.json([lab.labprobe, "connect", "--to", to, *more], check=False)


def test_every_namespace_is_there_and_set(lab):
    facts = lab.facts()
    assert facts["congestion_control"] == ["cubic"], facts
    assert len(lab.desktops) == 12
    assert [len(lab.desktops_of(c)) for c in ("office", "engineering")] == [6, 6]
    state = lab.desktop(1).run(["ethtool", "-k", "sec"]).stdout
    assert "tcp-segmentation-offload: off" in state and "tx-checksumming: off" in state, state


def test_without_a_gateway_nothing_gets_through(lab):
    lab.gateway_is_kernel(False)
    outcome = probe_connect(lab, lab.desktop(1), "10.20.0.70:7000", "--timeout-ms", "300")["outcomes"]
    assert "connected" not in outcome, outcome
    lab.gateway_is_kernel(True)
    assert probe_connect(lab, lab.desktop(1), "10.20.0.70:7000")["outcomes"] == {"connected": 1}


def test_ping_both_families_from_every_desktop(lab):
    def both(desktop):
        for family, name in (("-4", "web.lab"), ("-6", "db.lab")):
            desktop.run(["ping", family, "-c", "2", "-i", "0.2", "-W", "3", name])

    lab.on_all(both)


def test_the_round_trip_is_the_lines(lab):
    for family in ("4", "6"):
        figures = probe_connect(lab, lab.desktop(2), f"app.lab:{plan.APP_PORT}", "--family", family, "--count", "5",
                                "--send", "ping")
        assert figures["outcomes"] == {"answered": 5}, figures
        assert figures["connect_us"]["min"] >= 40_000, figures  # the line's delay is a lower bound
        assert figures["first_byte_us"]["min"] >= 80_000, figures


def test_names_resolve_and_move_with_their_time_to_live(lab):
    for name, place in lab.dns.names.items():
        found = lab.desktop(3).run(["getent", "ahostsv4", name]).stdout.split()
        assert found[0] == place[0], (name, found)
        found = lab.desktop(3).run(["getent", "ahostsv6", name]).stdout.split()
        assert found[0] == place[1], (name, found)
    assert lab.desktop(3).run(["getent", "hosts", "no-such.lab"], check=False).returncode != 0
    assert any("db.lab" in line and lab.desktop(3).place.secondary4 in line for line in lab.dns.queries())


def test_web_pages_over_http_and_tls(lab):
    desktop = lab.desktop(4)
    for family in ("-4", "-6"):
        for url in ("http://intranet.lab/", "https://web.lab/"):
            assert "foregate lab" in desktop.run(["curl", family, "-sfk", url]).stdout
    size = desktop.run(["curl", "-sf", "-r", "0-999999", "-o", "/dev/null", "-w", "%{size_download}",
                        "http://files.lab/large.bin"]).stdout
    assert size == "1000000", size
    assert "sni=web.lab" in lab.web.access_log.read_text()


def test_the_database_answers_and_moves(lab):
    assert lab.on_all(psql) == ["5000"] * 12
    old = lab.database.address4
    assert psql(lab.desktop(1), "select host(inet_server_addr())", old) == old
    new4, new6 = lab.move_database()
    assert psql(lab.desktop(1), "select host(inet_server_addr())", new4) == new4
    found = wait_for(lambda: [a for a in lab.desktop(1).run(["getent", "ahosts", "db.lab"]).stdout.split()
                              if a in (new4, new6)], 10, "the desktop to see the new address")
    assert found
    assert psql(lab.desktop(1), "select host(inet_server_addr())") in (new4, new6)
    outcome = probe_connect(lab, lab.desktop(1), f"{old}:5432", "--timeout-ms", "300")["outcomes"]
    assert "connected" not in outcome, outcome
    assert lab.move_database()[0] == old
    assert psql(lab.desktop(1), "select host(inet_server_addr())", old) == old
    assert psql(lab.desktop(9)) == "5000"


def test_a_query_is_timed_in_its_parts(lab):
    figures = lab.desktop(10).json([lab.labprobe, "pg-query", "--to", "db.lab:5432", "--count", "3"])
    assert figures["answered"] == 3 and figures["failed"] == 0 and figures["answer"] == "5000", figures
    for part in ("connect_us", "session_us", "query_us"):
        assert figures[part]["min"] >= 40_000, figures  # each is at least one round trip
    refused = lab.desktop(10).json([lab.labprobe, "pg-query", "--to", "db.lab:5432", "--user", "nobody"], check=False)
    assert refused["failed"] == 1 and "nobody" in refused["problem"], refused


def test_captures_show_both_ends(lab):
    desktop = lab.desktop(5)
    near = lab.capture("d05", lab.run_dir / "near.pcap", "tcp port 7000")
    far = lab.capture("app", lab.run_dir / "far.pcap", "tcp port 7000")
    probe_connect(lab, desktop, "10.20.0.70:7000", "--send", "ping")
    far.wait_packet(lambda p: p.payload == b"ping\n", 5, "the request at the server")
    near.wait_packet(lambda p: p.payload == b"pong\n", 5, "the answer at the desktop")
    assert near.stop() == 0 and far.stop() == 0
    sent = next(p for p in near.packets() if p.is_syn)
    came = next(p for p in far.packets() if p.is_syn)
    assert (sent.source, sent.sequence, sent.source_port) == (came.source, came.sequence, came.source_port)
    assert came.time_ns - sent.time_ns >= 20_000_000, "the line's delay is between the two captures"
    assert came.ttl == sent.ttl - 1, "one router on the way"
    assert any(p.payload == b"pong\n" and p.destination == desktop.place.secondary4 for p in near.packets())


def test_the_counter_sees_every_packet_for_the_malicious_host(lab):
    before = lab.evil_packets()
    lab.desktop(6).run(["ping", "-c", "3", "-i", "0.2", "10.20.6.66"])
    for port in plan.EVIL_PORTS:
        assert probe_connect(lab, lab.desktop(6), f"10.20.7.30:{port}")["outcomes"] == {"connected": 1}
    after = lab.evil_packets()
    assert after["10.20.6.66"]["icmp"] - before.get("10.20.6.66", {"icmp": 0})["icmp"] == 3, after
    assert after["10.20.7.30"]["tcp_syn"] == len(plan.EVIL_PORTS), after
    assert "10.20.7.29" not in after, after


def test_beats_go_through_the_bridge_and_a_break_is_seen(lab):
    beats = lab.start_beats()
    begin = time.monotonic_ns()
    wait_for(lambda: beats.within(begin, time.monotonic_ns()).received >= 12 * 20, 10, "20 beats of everybody")
    calm_end = time.monotonic_ns() - 2_000_000_000
    gateway = lab.gateway.namespace
    # now the cable between gateway and client is out until beats are known to be lost
    broken_at = time.monotonic_ns()
    subprocess.run(["ip", "-n", gateway, "link", "set", "dev", "pric", "down"], check=True)
    wait_for(lambda: beats.within(broken_at, time.monotonic_ns()).lost > 0, 10, "a lost beat")
    subprocess.run(["ip", "-n", gateway, "link", "set", "dev", "pric", "up"], check=True)
    mended_at = time.monotonic_ns()
    wait_for(lambda: beats.within(mended_at, time.monotonic_ns()).received >= 12 * 5, 20, "beats again")
    summary = beats.stop()
    assert beats.within(begin, calm_end).lost == 0
    broken = beats.within(broken_at, mended_at)
    assert broken.lost > 0 and summary["lost"] >= broken.lost, (broken, summary)
    assert summary["stream_breaks"] == 0 and summary["stream_lost"] == 0, "TCP outlives a short break"
    assert len(summary["peers"]) == 12


def test_interval_figures():
    rows = [("d01", "udp", n, n * 100, n * 100 + 10 if n not in (4, 5) else 0) for n in range(1, 11)]
    whole = interval_figures(rows, 0, 10_000)
    assert (whole.sent, whole.received, whole.lost, whole.longest_gap_ms) == (10, 8, 2, 300 / 1e6)
    assert interval_figures(rows, 600, 10_000).lost == 0
    assert interval_figures(rows, 0, 10_000, kinds=("frame",)).sent == 0


def test_loss_and_reordering_are_what_was_asked(lab):
    lab.delay_line.reset_statistics()
    lab.delay_line.set(up_loss=1)
    assert lab.desktop(1).run(["ping", "-c", "2", "-i", "0.2", "-W", "1", "10.20.0.80"], check=False).returncode != 0
    lab.delay_line.set(loss=0.05, reorder=0.2, reorder_extra_ms=3)
    figures = lab.desktop(1).json([lab.labprobe, "stream", "--to", "10.20.0.72:7001", "--direction", "up", "--rate",
                                   "5M", "--seconds", "2"])
    lab.delay_line.set(loss=0, reorder=0)
    up = lab.delay_line.statistics()["up"]
    assert figures["bytes"] > 0 and up["lost"] > 2 and up["reordered"] > 2, (figures["bytes"], up)


def test_frames_keep_their_order_unless_asked(lab):
    capture = lab.capture("app", lab.run_dir / "order.pcap", "udp dst port 9")
    # numbered datagrams, faster than the line's wake-ups
    code = ("import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            "for n in range(500): s.sendto(n.to_bytes(4,'big'), ('10.20.0.70', 9))")
    lab.desktop(2).run([sys.executable, "-c", code])
    capture.wait_packet(lambda p: p.payload == (499).to_bytes(4, "big"), 10, "the last datagram")
    assert capture.stop() == 0
    numbers = [int.from_bytes(p.payload, "big") for p in capture.packets()]
    assert numbers == list(range(500)), numbers[:20]


def test_the_rate_binds_and_the_queue_drops_its_tail(lab):
    lab.delay_line.reset_statistics()
    lab.delay_line.set(rate="8M", queue_ms=50)
    for direction in ("up", "down"):
        figures = lab.desktop(1).json([lab.labprobe, "stream", "--to", "10.20.0.72:7001", "--direction", direction,
                                       "--seconds", "3"])
        assert 0 < figures["mbps"] <= 8.5, figures["mbps"]  # the line's rate is an upper bound
        assert figures["congestion"] == "cubic"
    statistics = lab.delay_line.statistics()
    for direction in ("up", "down"):
        assert statistics[direction]["queue_full"] > 0, statistics
        assert statistics[direction]["queue_max_bytes"] <= 8e6 / 8 * 0.05 + 1, statistics
    lab.delay_line.set(rate=0, queue_ms=100)


def test_steady_requests_are_measured(lab):
    lab.delay_line.set(rate=0)
    figures = lab.desktop(7).json([lab.labprobe, "echo-latency", "--to", f"report.lab:{plan.REPORT_PORT}",
                                   "--seconds", "1", "--per-second", "20", "--response", "5000"])
    assert figures["requests"] == figures["answers"] == 20, figures
    assert figures["latency_ms"]["min"] >= 40 and figures["up_ms"]["min"] >= 20 and figures["down_ms"]["min"] >= 20


def test_a_crash_leaves_nothing_that_stops_the_next_lab(lab):
    """kill -9 of a process that had a lab of its own; the next lab of that prefix starts all the same."""
    code = ("import sys, time; sys.path.insert(0, sys.argv[1])\n"
            "from lab import Lab\n"
            "Lab(sys.argv[2], sys.argv[3], desktops=2, prefix='fglu-').up()\nprint('up', flush=True); time.sleep(600)")
    run_dir = tempfile.mkdtemp(prefix="foregate-lab-crash-", dir="/var/tmp")
    arguments = [str(pathlib.Path(__file__).parent), run_dir, str(lab.labprobe.parent)]
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout.readline().strip() == "up"
        victim.send_signal(signal.SIGKILL)
    second = Lab(run_dir, lab.labprobe.parent, desktops=2, prefix="fglu-")
    assert len(second.leftovers()) > 10
    try:
        second.up()
        second.gateway_is_kernel(True)
        assert psql(second.desktop(1)) == "5000"
    finally:
        second.down()
    assert second.leftovers() == []
    shutil.rmtree(run_dir)


def test_two_labs_of_one_prefix_refuse(lab):
    other = Lab(lab.run_dir / "other", lab.labprobe.parent, prefix=PREFIX)
    try:
        other.up()
    except RuntimeError as error:
        assert "in use" in str(error)
    else:
        raise AssertionError("a second lab took the first one's namespaces")


def all_tests():
    return [(name, function) for name, function in globals().items()
            if name.startswith("test_") and callable(function)]


def run_tests(lab, wanted):
    passed, failed = 0, 0
    for name, function in all_tests():
        if wanted and wanted not in name:
            continue
        begin = time.monotonic()
        try:
            function(*([lab] if function.__code__.co_argcount else []))
            passed += 1
            print(f"ok      {name} ({time.monotonic() - begin:.1f} s)", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
    return passed, failed


def teardown_test(lab):
    """Down leaves no namespace, no process, no file outside the run directory."""
    members = [p.pid for p in lab.store.running()]
    lab.down()
    lab.down()  # a second time is fine
    assert lab.leftovers() == [], lab.leftovers()
    alive = [pid for pid in members if os.path.exists(f"/proc/{pid}")]
    assert not alive, alive
    assert not list(pathlib.Path("/etc/netns").glob(PREFIX + "*")) and not list(
        pathlib.Path("/run").glob(f"{PREFIX}*.sock"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", default=os.environ.get("FOREGATE_LAB_TOOLS", "build/tests/lab/tools"))
    parser.add_argument("--only", default="", help="run the tests with this in their name")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the lab is taken down
    run_dir = tempfile.mkdtemp(prefix="foregate-lab-", dir="/var/tmp")
    os.chmod(run_dir, 0o755)
    lab = Lab(run_dir, arguments.tools, prefix=PREFIX)
    passed, failed = 0, 1
    try:
        begin = time.monotonic()
        lab.up()
        print(f"up after {time.monotonic() - begin:.1f} s", flush=True)
        lab.gateway_is_kernel(True)
        passed, failed = run_tests(lab, arguments.only)
        try:
            teardown_test(lab)
            passed += 1
            print("ok      teardown leaves nothing", flush=True)
        except AssertionError:
            failed += 1
            print(f"FAILED  teardown\n{traceback.format_exc()}", flush=True)
    finally:
        lab.down()
        shutil.rmtree(run_dir, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
