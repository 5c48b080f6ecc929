#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The real gateway in the lab: what `scripts/run` tells as one story, here as single tests that say what broke.

Needs root and the built tools and gateway. Order and presence are checked; where a time is looked at, it is against the
delay line's own setting with a wide margin.
"""

import argparse
import datetime
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from lab import Lab, wait_for  # noqa: E402  pylint: disable=wrong-import-position
from scenario import gateway_config  # noqa: E402  pylint: disable=wrong-import-position
from scenario.gateway import ConsoleError, Gateway  # noqa: E402  pylint: disable=wrong-import-position

ROOT = pathlib.Path(__file__).resolve().parents[2]
PREFIX = "fglg-"
START = datetime.datetime(2026, 3, 4, 11, 0)


class Bench:
    """The lab with one gateway in it, shared by all tests."""

    def __init__(self, lab, foregate):
        self.lab = lab
        self.foregate = foregate
        self.scale = 1.0  # of the long tests
        text = gateway_config.make(ROOT / "conf" / "lab.yaml", lab.run_dir / "gateway", START, 100,
                                   ROOT / "conf" / "lab-threats.txt")
        self.gateway = Gateway(lab, foregate, lab.run_dir / "gateway", text)

    def psql(self, number, host="db.lab"):
        return self.lab.desktop(number).run(["psql", "-h", host, "-U", "lab", "-d", "lab", "-Atc",
                                             "select count(*) from orders"]).stdout.strip()

    def open_held(self, number, destination):
        """A held connection by an operator's order; the name may have to be asked for first."""
        wait_for(lambda: self.gateway.console(f"held open d{number:02d} {destination}"), 10, "the order to be taken", 0.3)
        wait_for(lambda: self.held(number, destination), 10, f"the connection of d{number:02d} to {destination}")

    def held(self, number, destination, state="held"):
        return [row for row in self.gateway.held()["connections"] if row["desktop"] == f"d{number:02d}"
                and row["destination"] == destination and row["state"] == state and row["purpose"] != "monitor"]


def test_check_accepts_what_runs(bench):
    assert bench.gateway.check() is not None


def test_check_names_file_and_line(bench):
    bad = bench.lab.run_dir / "bad.yaml"
    bad.write_text(bench.gateway.config.read_text(encoding="ascii") + "\nno-such-section: 1\n", encoding="ascii")
    line = len(bad.read_text(encoding="ascii").splitlines())
    done = subprocess.run([str(bench.foregate), "check", "--config", str(bad)], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"bad.yaml:{line}:" in done.stdout + done.stderr, done.stdout + done.stderr


def test_every_desktop_gets_through_in_both_families(bench):
    def both(desktop):
        for family in ("-4", "-6"):
            wait_for(lambda: desktop.run(["ping", family, "-c", "1", "-W", "2", "web.lab"], check=False).returncode == 0, 10,
                     f"{desktop.name} to reach web.lab by IPv{family[1]}")

    bench.lab.on_all(both)
    assert all(row["state"] == "active" for name, row in bench.gateway.sessions().items() if name[0] == "d")


def test_web_and_database(bench):
    assert bench.psql(1) == "5000"
    assert "foregate lab" in bench.lab.desktop(2).run(["curl", "-sfk", "https://web.lab/"]).stdout
    size = bench.lab.desktop(7).run(["curl", "-sf", "-r", "0-1999999", "-o", "/dev/null", "-w", "%{size_download}",
                                     "http://files.lab/large.bin"]).stdout
    assert size == "2000000", size


def test_the_gateway_is_a_router_for_traceroute_too(bench):
    done = bench.lab.desktop(1).run(["ping", "-c", "1", "-t", "1", "-W", "2", "10.20.0.80"], check=False)
    assert "10.10.0.1" in done.stdout, done.stdout  # time exceeded, from the gateway
    bench.lab.desktop(1).run(["ping", "-c", "1", "-W", "2", "10.10.0.1"])


def test_a_held_connection_is_used_by_the_next_connect(bench):
    lab = bench.lab
    bench.open_held(3, "db.lab:5432")
    figures = lab.desktop(3).json([lab.labprobe, "pg-query", "--to", "db.lab:5432"], check=False)
    if not figures["answered"]:
        raise AssertionError(figures)
    assert figures["connect_us"]["min"] < 20_000, figures  # half of the line's round trip: it cannot have crossed the line
    other = lab.desktop(3).json([lab.labprobe, "pg-query", "--to", "archive.lab:5432"])
    assert other["connect_us"]["min"] >= 40_000, other
    assert figures["answer"] == other["answer"] == "5000"


def test_a_large_transfer_over_a_splice_is_whole(bench):
    lab = bench.lab
    bench.open_held(4, "files.lab:80")
    target = lab.run_dir / "spliced.bin"
    lab.desktop(4).run(["curl", "-sf", "-r", "0-9999999", "-o", target, "http://files.lab/large.bin"])
    assert target.stat().st_size == 10_000_000 and not target.read_bytes().strip(b"\0")


def test_a_loss_on_the_way_does_not_hurt_a_splice(bench):
    lab = bench.lab
    lab.delay_line.set(loss=0.01)
    try:
        for direction in ("up", "down"):
            bench.open_held(4, "bulk.lab:7001")
            used = bench.gateway.held()["totals"]["used"]
            figures = lab.desktop(4).json([lab.labprobe, "stream", "--to", "bulk.lab:7001", "--direction",
                                           direction, "--rate", "4M", "--seconds", "2"])
            assert figures["all_open"] and figures["bytes"] > 100_000, figures
            wait_for(lambda: bench.gateway.held()["totals"]["used"] > used, 5, "the count of the splice")  # pylint: disable=W0640
    finally:
        lab.delay_line.set(loss=0)


def test_a_cut_secondary_is_silent_and_comes_back(bench):
    desktop = bench.lab.desktop(5)
    bench.gateway.console("session cut d05")
    assert desktop.run(["ping", "-c", "2", "-i", "0.2", "-W", "1", "10.20.0.80"], check=False).returncode != 0
    bench.gateway.console("session restore d05")
    wait_for(lambda: desktop.run(["ping", "-c", "1", "-W", "1", "10.20.0.80"], check=False).returncode == 0, 10, "d05 back")


def test_a_listed_address_is_never_reached(bench):
    before = bench.lab.evil_packets().get("10.20.6.66", {}).get("packets", 0)
    outcome = bench.lab.desktop(6).json([bench.lab.labprobe, "connect", "--to", "10.20.6.66:443", "--timeout-ms", "1000"],
                                        check=False)["outcomes"]
    assert "connected" not in outcome, outcome
    assert bench.lab.evil_packets().get("10.20.6.66", {}).get("packets", 0) == before
    assert bench.gateway.drops()["threat_address"] > 0


def with_rules(text):
    """The site denies a name, an address of both families and a port; engineering is allowed two names only."""
    site = ("\naccess:\n  rules:\n    - deny files.lab\n    - deny 10.20.0.12\n    - deny [fd00:20::12]\n"
            "    - deny *:7001/tcp\n")
    own = ("  - name: engineering\n    access:\n      default: deny\n      rules:\n        - allow =web.lab:443\n"
           "        - allow db.lab:5432\n")
    if "  - name: engineering\n" not in text:
        raise AssertionError("the lab's config has no class engineering")
    return text.replace("  - name: engineering\n", own) + site


def test_access_lists_hold_for_desktops_and_for_what_is_opened_for_them(bench):
    lab, gateway = bench.lab, bench.gateway
    plain = gateway.config.read_text(encoding="ascii")
    office, engineering = lab.desktop(2), lab.desktop(8)

    def curl(desktop, *words):
        return desktop.run(["curl", "-sk", "-m", "8", "-o", "/dev/null", *words], check=False).returncode

    def refused(order):
        try:
            gateway.console(order)
        except ConsoleError as error:
            return str(error)
        return ""

    gateway.stop()
    gateway.config.write_text(with_rules(plain), encoding="ascii")
    try:
        gateway.check()
        gateway.start()
        # What no rule denies.
        wait_for(lambda: curl(office, "https://web.lab/") == 0, 20, "web.lab to answer an office desktop")
        assert bench.psql(2) == "5000"
        # By name: the question has no answer, and the name in the request is stopped at whatever address.
        assert curl(office, "http://files.lab/") == 6, "expected curl: could not resolve"
        assert curl(office, "--resolve", "files.lab:80:10.20.0.82", "http://files.lab/") == 56, "expected curl: reset"
        # By prefix and by port.
        for target in ("10.20.0.12:5432", "[fd00:20::12]:5432", "10.20.0.72:7001"):
            outcome = office.json([lab.labprobe, "connect", "--to", target, "--timeout-ms", "2000"], check=False)["outcomes"]
            assert "connected" not in outcome, (target, outcome)
        # A class that denies by default: two names, one told by TLS, the other by DNS alone.
        wait_for(lambda: curl(engineering, "https://web.lab/") == 0, 20, "web.lab to answer an engineering desktop")
        assert bench.psql(8) == "5000"
        assert curl(engineering, "http://web.lab/") == 7, "port 80 is not allowed: expected curl: refused"
        assert curl(engineering, "https://intranet.lab/") in (35, 56), "another name: expected curl: reset"
        # The gateway itself is bound by them.
        wait_for(lambda: "denied to class office" in refused("held open d02 archive.lab:5432"), 10,
                 "an order to a denied address to be refused", 0.3)
        bench.open_held(8, "db.lab:5432")
        assert not [row for row in gateway.held()["connections"] if row["destination"] == "archive.lab:5432"]
        wait_for(lambda: {"class": "engineering", "destination": "app.lab:7000", "reason": "access-denied"}
                 in gateway.plan()["skipped"], 30, "the plan to skip the monitor that is denied")
        assert not [row for row in gateway.held()["connections"]
                    if row["destination"] == "app.lab:7000" and row["desktop"] == "d08"]
        # And it is told.
        assert gateway.drops()["access_address"] > 0 and gateway.drops()["access_name"] > 0
        told = {(event["foregate"]["class"], event["foregate"]["rule"]) for event in gateway.events("drop")}
        assert {("office", "deny files.lab"), ("office", "deny 10.20.0.12"), ("engineering", "default deny")} <= told, told
        shown = {(row["class"], row["rule"]): row["reported"] for row in gateway.console("show access")["rules"]}
        assert shown[("office", "deny files.lab")] >= 2 and shown[("engineering", "allow db.lab:5432")] == 0, shown
    finally:
        gateway.stop()
        gateway.config.write_text(plain, encoding="ascii")
        gateway.start()
    wait_for(lambda: bench.psql(8) == "5000", 20, "a query after the rules are gone")


def test_a_reload_takes_a_new_list_while_running(bench):
    assert bench.gateway.console("threat reload") is not None
    assert bench.psql(7) == "5000"


def test_kill_and_restart(bench):
    bench.gateway.kill()
    bench.gateway.start()
    desktop = bench.lab.desktop(8)
    wait_for(lambda: desktop.run(["ping", "-c", "1", "-W", "1", "10.20.0.80"], check=False).returncode == 0, 20,
             "ping after the restart")
    assert bench.psql(8) == "5000"


def test_a_second_gateway_says_why_it_does_not_start(bench):
    done = bench.lab.gateway.run([bench.foregate, "run", "--config", bench.gateway.config], check=False, timeout=60)
    assert done.returncode != 0 and (done.stderr + done.stdout).strip()
    assert bench.psql(1) == "5000", "the first one goes on"


def test_term_ends_it_in_order(bench):
    assert bench.gateway.stop() == 0
    bench.gateway.start()
    wait_for(lambda: bench.psql(9) == "5000", 10, "a query after the second start")


def long_transfer_over_a_lossy_splice_is_whole(bench):
    """A hundred million bytes through one splice while one packet in a hundred is lost and some are late."""
    lab, size = bench.lab, int(100_000_000 * bench.scale)
    lab.desktop(5).run(["curl", "-sf", "-o", "/dev/null", "http://files.lab/"], check=False)  # its first packets log it in
    bench.open_held(5, "files.lab:80")
    lab.delay_line.set(down_loss=0.01, up_loss=0.01, down_reorder=0.01)
    try:
        target = lab.run_dir / "long.bin"
        lab.desktop(5).run(["curl", "-sf", "-r", f"0-{size - 1}", "-o", target, "http://files.lab/large.bin"], timeout=900)
    finally:
        lab.delay_line.set(down_loss=0, up_loss=0, down_reorder=0)
    assert target.stat().st_size == size and not target.read_bytes().strip(b"\0")


def long_soak_leaks_nothing(bench):
    """Minutes of short connections from every desktop; afterwards as many packet buffers are free as before."""
    def free_buffers():
        return bench.gateway.console("show status")["traffic"]["free_packet_buffers"]

    before, until = free_buffers(), time.monotonic() + 300 * bench.scale

    def work(desktop):
        rounds = 0
        while time.monotonic() < until:
            desktop.run(["curl", "-sfk", "-o", "/dev/null", "https://web.lab/", "http://web.lab/"])
            rounds += 1
        return rounds

    assert all(rounds > 0 for rounds in bench.lab.on_all(work))
    # A burst may be in the rings of a port at any moment: a leak of one in a thousand packets would be far more.
    wait_for(lambda: abs(free_buffers() - before) <= 256, 60, f"the packet buffers of before ({before}), now {free_buffers()}")


def main(tests=None, prefix=PREFIX, skipped=()):
    """Runs what `tests` names test_*: this file's, or another's with a prefix of its own. `skipped`: says that it cannot run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", type=pathlib.Path, default=ROOT / "build" / "tests" / "lab" / "tools")
    parser.add_argument("--foregate", type=pathlib.Path, default=ROOT / "build" / "foregate")
    parser.add_argument("--only", default="", help="run the tests with this in their name")
    parser.add_argument("--long", action="store_true", help="also the long transfer and the soak")
    parser.add_argument("--scale", type=float, default=1.0, help="of the long ones: how long")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the lab is taken down
    run_dir = pathlib.Path(tempfile.mkdtemp(prefix="foregate-gateway-", dir="/var/tmp"))
    run_dir.chmod(0o755)
    passed, failed = 0, 0
    try:
        with Lab(run_dir, arguments.tools, prefix=prefix) as lab:
            bench = Bench(lab, arguments.foregate.resolve())
            bench.scale = arguments.scale
            bench.gateway.start()
            wanted = ("test_", "long_") if arguments.long else ("test_",)
            for name, function in list((tests or globals()).items()):
                if not name.startswith(wanted) or not callable(function) or arguments.only not in name:
                    continue
                begin = time.monotonic()
                try:
                    function(bench)
                    passed += 1
                    print(f"ok      {name} ({time.monotonic() - begin:.1f} s)", flush=True)
                except skipped as why:
                    print(f"SKIPPED {name}: {why}", flush=True)
                except Exception:  # pylint: disable=broad-except
                    failed += 1
                    print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
            bench.gateway.stop()
    except Exception:  # pylint: disable=broad-except
        failed += 1
        print(f"FAILED  the gateway in the lab\n{traceback.format_exc()}", flush=True)
    finally:
        if arguments.keep:
            print(f"kept: {run_dir}")
        else:
            shutil.rmtree(run_dir, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
