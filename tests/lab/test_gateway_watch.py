#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Looking into the real gateway in the lab: captures, traces, flow explain, drops, cores, DPDK's own tools."""

import contextlib
import pathlib
import shutil
import stat
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import test_gateway  # noqa: E402  pylint: disable=wrong-import-position
from lab import telemetry, wait_for  # noqa: E402  pylint: disable=wrong-import-position
from scenario import gateway_config  # noqa: E402  pylint: disable=wrong-import-position
from scenario.gateway import Console, ConsoleError  # noqa: E402  pylint: disable=wrong-import-position

PREFIX = "fglw-"
WEB = "10.20.0.80"
EVIL = "10.20.6.66"
HUGEPAGES = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")


class Skipped(Exception):
    """The machine cannot do what the test needs."""


def ping(bench, number, address=WEB, count=1):
    return bench.lab.desktop(number).run(["ping", "-c", str(count), "-i", "0.2", "-W", "2", address], check=False).returncode == 0


def reach(bench, number):
    wait_for(lambda: ping(bench, number), 20, f"d{number:02d} to reach {WEB}")


def read_back(path, *words):
    """The lines that tcpdump prints of a capture."""
    done = subprocess.run(["tcpdump", "-nn", "-r", str(path), *words], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_capture_reads_back_with_tcpdump(bench):
    reach(bench, 1)
    console = bench.gateway.console
    begun = console("capture start pings filter icmp and host " + WEB)
    assert begun["state"] == "running", begun
    try:
        console("capture start another")
        raise AssertionError("two captures at once")
    except ConsoleError as error:
        assert "is running" in str(error), error
    assert ping(bench, 1, count=3)
    bench.lab.desktop(2).run(["curl", "-sfk", "-o", "/dev/null", "https://web.lab/"])  # not a ping
    ended = console("capture stop")
    assert ended["state"] == "ended" and ended["ended_by"] == "order" and ended["lost_packets"] == 0, ended
    path = pathlib.Path(ended["folder"]) / ended["file"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    requests, replies = read_back(path, "icmp[0] = 8"), read_back(path, "icmp[0] = 0")
    # Each passes twice: in by one port, out by the other.
    assert len(requests) == 6 and len(replies) == 6, (requests, replies)
    assert len(read_back(path)) == ended["packets"] == 12, ended
    both = subprocess.run(["tcpdump", "-nn", "-v", "-r", str(path), "icmp[0] = 8"], capture_output=True, text=True, check=True).stdout
    assert "ttl 64" in both and "ttl 63" in both, both  # before and behind the gateway
    changes = [event["foregate"]["change"] for event in bench.gateway.events("capture")]
    assert changes[-2:] == ["started", "ended"], changes


def test_a_capture_keeps_its_limits(bench):
    reach(bench, 1)
    console = bench.gateway.console
    console("capture start limited port desktops in packets 2 snap 40 filter icmp")
    assert ping(bench, 1, count=4)
    wait_for(lambda: console("show capture")["state"] == "ended", 10, "the capture to end by itself")
    status = console("show capture")
    assert status["ended_by"] == "packets" and status["packets"] == 2, status
    path = pathlib.Path(status["folder"]) / status["file"]
    assert len(read_back(path, "src net 10.10.0.0/16")) == 2 and path.stat().st_size < 4096
    try:
        console("capture start limited")
        raise AssertionError("a file was written over")
    except ConsoleError as error:
        assert "is there already" in str(error), error


def test_a_trace_tells_every_stage(bench):
    reach(bench, 1)
    other = Console(bench.foregate, bench.gateway.socket)
    rows = []
    waiting = threading.Thread(target=lambda: rows.extend(other(f"trace 2 within 30 icmp and host {WEB}")))
    waiting.start()
    try:
        wait_for(lambda: (ping(bench, 1), not waiting.is_alive())[1], 30, "the trace to have its packets")
    finally:
        waiting.join()
        other.close()
    assert {row["packet"] for row in rows} == {1, 2}, rows
    first = [row for row in rows if row["packet"] == 1]
    assert first[0]["stage"] == "ingress" and first[-1]["stage"] == "egress", first
    assert "to the scheduler of" in first[-1]["outcome"] and "forwarded +1" in first[-1]["counters"], first
    assert any("desktop d01" in row["outcome"] for row in first if row["stage"] == "flow"), first
    assert bench.gateway.console("show trace") == rows
    assert ping(bench, 1), "the gateway goes on"


def test_explain_says_what_would_happen_and_does_nothing(bench):
    reach(bench, 1)
    console = bench.gateway.console
    evil = bench.lab.evil_packets().get(EVIL, {}).get("packets", 0)
    before = console("show drops | match threat_address")[0]["count"]
    listed = console(f"flow explain tcp d01 {EVIL}:443")
    assert listed["verdict"] == "drop" and listed["reason"] == "threat_address" and listed["threat"]["blocked"], listed
    open_way = console(f"flow explain tcp d01 {WEB}:8081")
    assert open_way["verdict"] == "forward" and open_way["route"]["port"] == "upstream", open_way
    assert open_way["desktop"]["name"] == "d01" and open_way["flow_now"] is None, open_way
    bench.lab.desktop(1).run(["curl", "-sfk", "-o", "/dev/null", "--local-port", "45001", f"https://{WEB}/"])
    known = console(f"flow explain tcp d01:45001 {WEB}:443")
    assert known["flow_now"]["server_port"] == 443 and known["flow_now"]["packets_up"] > 0, known
    assert console("show drops | match threat_address")[0]["count"] == before, "nothing was dropped"
    assert bench.lab.evil_packets().get(EVIL, {}).get("packets", 0) == evil, "nothing was sent"


def test_explain_names_the_held_connection(bench):
    reach(bench, 3)
    bench.open_held(3, "db.lab:5432")
    found = bench.gateway.console("flow explain tcp d03 db.lab:5432")
    assert found["verdict"] == "answer here", found
    assert found["held"]["id"] in {row["id"] for row in bench.held(3, "db.lab:5432")}, found
    assert bench.held(3, "db.lab:5432"), "it is still held"


def test_drops_and_cores_tell_who_and_how_fast(bench):
    console = bench.gateway.console
    console("show drops")
    console("show cores")
    bench.lab.desktop(6).json([bench.lab.labprobe, "connect", "--to", f"{EVIL}:443", "--timeout-ms", "500"], check=False)
    bench.lab.desktop(7).run(["curl", "-sf", "-r", "0-1999999", "-o", "/dev/null", "http://files.lab/large.bin"])
    drop = console("show drops | match threat_address")[0]
    assert drop["count"] > 0 and drop["per_s"] > 0 and "worker 0" in drop["by_core"] and drop["help"], drop
    cores = console("show cores")
    worker = next(row for row in cores["cores"] if row["role"].startswith("worker"))
    assert 0 < worker["busy_ratio"] < 1 and worker["packets_per_burst"] >= 1 and worker["cycles_per_packet"] > 0, worker
    assert all(row["worker_0_cycles"] > 0 for row in cores["stages"]), cores["stages"]
    assert cores["balance"]["imbalance"] == 1, cores["balance"]


def test_flows_are_chosen_by_the_same_filter(bench):
    reach(bench, 1)
    flows = bench.gateway.console(f"show flows icmp and host {WEB}")
    assert flows and all(row["protocol"] == "icmp" and row["server"] == WEB for row in flows), flows
    assert not bench.gateway.console("show flows tcp port 1")


@contextlib.contextmanager
def restarted(bench, hugepages):
    """The gateway with another setting of hugepages; afterwards as before."""
    config = bench.gateway.config
    text = config.read_text(encoding="ascii")
    bench.gateway.stop()
    config.write_text(gateway_config.set_key(text, "system", "hugepages", hugepages), encoding="ascii")
    try:
        if hugepages == "yes":
            need_hugepages()  # those of the gateway before are free again
        bench.gateway.start()
        yield bench.gateway.console("show version")
    finally:
        bench.gateway.stop()
        config.write_text(text, encoding="ascii")
        bench.gateway.start()


def check_telemetry(bench, version):
    reach(bench, 1)
    prefix = version["dpdk_file_prefix"]
    greeting, answers = telemetry.ask(prefix, "/", "/ethdev/list", "/ethdev/stats,0")
    assert "DPDK" in greeting["version"] and "/ethdev/list" in answers["/"], greeting
    assert len(answers["/ethdev/list"]) == len(bench.gateway.console("show ports")), answers
    assert answers["/ethdev/stats"]["ipackets"] > 0, answers


def test_telemetry_without_hugepages(bench):
    with restarted(bench, "no") as version:
        assert version["hugepages"] is False and version["dpdk_dumpcap"] is False, version
        check_telemetry(bench, version)


@contextlib.contextmanager
def hugetlbfs(folder):
    """A mount of hugetlbfs: the machine's, or one of our own."""
    if " hugetlbfs " in pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8"):
        yield
        return
    folder.mkdir()
    if subprocess.run(["mount", "-t", "hugetlbfs", "hugetlbfs", str(folder)], check=False).returncode != 0:
        raise Skipped("hugetlbfs cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)  # the gateway that runs on may have pages of it
        folder.rmdir()


def free_hugepage_mib():
    return int(HUGEPAGES.read_text(encoding="ascii")) * 2 if HUGEPAGES.exists() else 0


def need_hugepages():
    if free_hugepage_mib() < 512:
        raise Skipped(f"{free_hugepage_mib()} MiB of hugepages are free, 512 are needed: scripts/setup reserves them")


def test_telemetry_with_hugepages(bench):
    with restarted(bench, "yes") as version:
        assert version["hugepages"] is True, version
        check_telemetry(bench, version)


def test_dumpcap_attaches_where_hugepages_are_shared(bench):
    if shutil.which("dpdk-dumpcap") is None:
        raise Skipped("dpdk-dumpcap is not installed (package dpdk)")
    with hugetlbfs(bench.lab.run_dir / "hugepages"), restarted(bench, "yes") as version:
        if not version["dpdk_dumpcap"]:
            raise Skipped("no hugetlbfs is mounted with room for 512 MiB: mount -t hugetlbfs hugetlbfs /dev/hugepages")
        reach(bench, 1)
        words = ["dpdk-dumpcap", "--file-prefix=" + version["dpdk_file_prefix"]]
        listed = bench.lab.gateway.run([*words, "-D"], check=False)
        assert listed.returncode == 0 and "net_af_xdp0" in listed.stdout, listed.stdout + listed.stderr
        target = bench.lab.run_dir / "dumpcap.pcapng"
        dump = bench.lab.gateway.popen([*words, "-i", "net_af_xdp0", "-c", "4", "-w", target], name="dumpcap")
        wait_for(lambda: (ping(bench, 1), not dump.alive())[1], 30, "dpdk-dumpcap to have its packets")
        assert len(read_back(target)) >= 4
        assert ping(bench, 1), "the gateway goes on"


if __name__ == "__main__":
    sys.exit(test_gateway.main(globals(), PREFIX, Skipped))
