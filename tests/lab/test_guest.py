#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The gateway on PCI cards bound for DPDK: in a guest of QEMU (software emulation), once for each kind of card.

Needs root, QEMU, busybox-static, cpio, a network or a kernel fetched before, and a build that runs on any processor
with SSE4.2. Where a guest cannot be had it says so and why, and counts nothing.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# pylint: disable=wrong-import-position
from guest import GuestNotPossible, Machine, Nic, Sides, fetch_kernel, make_initramfs, sides  # noqa: E402
from lab import wait_for  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent / "guest"
NICS = (
    Nic("virtio-net-pci", "uio_pci_generic", "net_virtio"),
    Nic("vmxnet3", "uio_pci_generic", "net_vmxnet3"),
    Nic("e1000", "uio_pci_generic", "net_e1000_em"),
    Nic("e1000e", "vfio-pci", "net_e1000_em"),
    Nic("virtio-net-pci", "vfio-pci", "net_virtio", "iommu_platform=on,disable-legacy=on"),
)
LARGE = os.urandom(1 << 20) * 4


class Bench:
    """A running guest between its two hosts."""

    def __init__(self, hosts, machine):
        self.hosts, self.machine = hosts, machine
        self.desktop, self.server = hosts.desktop, hosts.server

    def ping(self, *words, host=None):
        return (host or self.desktop).run(["ping", "-c", "1", "-W", "2", *words], check=False).returncode == 0

    def curl(self, address, name="", *words):
        return self.desktop.run(["curl", "-sf", "-m", "60", *words, f"http://{address}/{name}"], check=False)

    def ports(self):
        return {row["name"]: row for row in self.machine.console("show ports")}

    def drops(self):
        return {row["reason"]: row["count"] for row in self.machine.console("show drops")}


def test_the_ports_are_the_cards(bench):
    nic, ports = bench.machine.nic, bench.ports()
    assert set(ports) == {"desktops", "upstream"}, ports
    for port in ports.values():
        assert port["driver"] == nic.driver and port["link"] == "up", port
        _, link = bench.machine.shell(f"readlink /sys/bus/pci/devices/{port['device']}/driver")
        assert link.strip().endswith(f"/{nic.binding}"), link
    _, interfaces = bench.machine.shell("ls /sys/class/net")
    assert set(interfaces.split()) == {"lo", "fg-desktops", "fg-upstream"}, interfaces  # the guest's kernel has no card


def test_ping_through_and_to_the_gateway(bench):
    for words in ([sides.SERVER], ["-6", sides.SERVER6], [sides.GATEWAY], ["-6", sides.GATEWAY6]):
        wait_for(lambda: bench.ping(*words), 20, f"ping {words[-1]}")  # pylint: disable=W0640
    wait_for(lambda: bench.ping(sides.DESKTOP, host=bench.server), 20, "ping from the server")
    wait_for(lambda: bench.ping("-s", "1472", "-M", "do", sides.SERVER), 20, "ping with frames of 1514 bytes")


def test_curl_is_whole_in_both_families(bench):
    before = bench.ports()
    for address in (sides.SERVER, f"[{sides.SERVER6}]"):
        target = bench.hosts.run_dir / "fetched"
        target.unlink(missing_ok=True)
        done = bench.curl(address, "large.bin", "-o", str(target))
        assert done.returncode == 0, (address, done.stderr)
        assert target.read_bytes() == LARGE, address
    after = bench.ports()
    for name, column in (("upstream", "rx_bytes"), ("desktops", "tx_bytes")):
        assert after[name][column] - before[name][column] > 2 * len(LARGE), (name, before, after)


def test_packets_go_by_the_worker_and_not_by_the_guests_kernel(bench):
    forwarded = bench.machine.console("show status")["traffic"]["forwarded_packets"]
    assert forwarded > 2 * len(LARGE) // 1500, forwarded
    _, text = bench.machine.shell("cat /sys/class/net/fg-upstream/statistics/rx_bytes")
    assert int(text) < len(LARGE) // 10, text  # ARP, neighbour discovery, and pings to the gateway


def test_a_listed_address_and_a_stranger_are_stopped(bench):
    before = bench.drops()
    assert not bench.ping(sides.LISTED)
    assert bench.curl(sides.LISTED, "", "--connect-timeout", "2").returncode != 0
    assert not bench.ping("-I", sides.STRANGER, sides.SERVER)
    after = bench.drops()
    for reason in ("threat_address", "unknown_desktop"):
        assert after.get(reason, 0) > before.get(reason, 0), (reason, before, after)


def test_a_held_connection_is_spliced(bench):
    held = f"{sides.SERVER}:80"
    wait_for(lambda: bench.machine.console(f"held open d01 {held}"), 20, "the order to be taken", 0.3)
    wait_for(lambda: any(row["destination"] == held and row["state"] == "held"
                         for row in bench.machine.console("show held")["connections"]), 30, "the held connection", 0.3)
    used = bench.machine.console("show held")["totals"]["used"]
    done = bench.curl(sides.SERVER, "small.txt")
    assert done.stdout == "through the guest\n", done
    wait_for(lambda: bench.machine.console("show held")["totals"]["used"] > used, 20, "the count of the splice", 0.3)


def test_kill_and_restart_take_the_cards_as_they_were_left(bench):
    bench.machine.kill_and_restart_gateway()
    for words in ([sides.SERVER], ["-6", sides.SERVER6]):
        wait_for(lambda: bench.ping(*words), 30, f"ping {words[-1]} after the restart")  # pylint: disable=W0640
    done = bench.curl(sides.SERVER, "large.bin", "-o", "/dev/null", "-w", "%{size_download}")
    assert done.stdout == str(len(LARGE)), done


def play(hosts, work, kernel, initramfs, nic, only):
    """Every test on one kind of card; (passed, failed, line for the table)."""
    label, passed, failed, table = f"{nic.model} on {nic.binding}", 0, 0, None
    machine = Machine(hosts.store, work, kernel, initramfs, nic)

    def step(name, function):
        nonlocal passed, failed
        try:
            note = function() or ""
            passed += 1
            print(f"ok      {label}: {name}{note}", flush=True)
            return True
        except Exception:  # pylint: disable=broad-except
            failed += 1
            said = f"{traceback.format_exc()}\nthe guest wrote:\n{machine.log()[-3000:]}"
            print(f"FAILED  {label}: {name}\n{said}", flush=True)
            return False

    def boot():
        nonlocal table
        machine.start(hosts.taps())
        hosts.handed_over()
        shell = machine.seconds()
        machine.wait_for_gateway()
        console = machine.seconds()
        bench = Bench(hosts, machine)
        wait_for(lambda: bench.ping(sides.SERVER), 60, "the first ping through the gateway", 0.1)
        table = f"{nic.model:16}{nic.binding:17}{nic.driver:14}{shell:7.1f}{console:9.1f}{machine.seconds():9.1f}"
        return f" ({machine.seconds():.1f} s)"

    def off():
        codes = machine.off()
        assert codes == (0, 0), codes

    try:
        if step("power-on to the first ping", boot):
            bench = Bench(hosts, machine)
            for name, function in list(globals().items()):
                if name.startswith("test_") and only in name:
                    step(name, lambda: function(bench))  # pylint: disable=W0640
            step("power-off in order", off)
    finally:
        machine.stop()
    return passed, failed, table


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--foregate", type=pathlib.Path, default=ROOT / "build-portable" / "foregate")
    parser.add_argument("--cache", type=pathlib.Path, default=ROOT / "out" / "guest-kernel")
    parser.add_argument("--nic", default="", help="only cards with this in their name or binding")
    parser.add_argument("--only", default="", help="run the tests with this in their name")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the guest is taken down
    try:
        for program in ("qemu-system-x86_64", "busybox", "cpio"):
            if not shutil.which(program):
                raise GuestNotPossible(f"no {program}")
        if not pathlib.Path("/dev/net/tun").exists():
            raise GuestNotPossible("no /dev/net/tun")
        kernel = fetch_kernel(arguments.cache.resolve())
    except GuestNotPossible as reason:
        print(f"skipped: no guest can be had here: {reason}")
        print("0 passed, 0 failed")
        return 0
    run_dir = pathlib.Path(tempfile.mkdtemp(prefix="foregate-guest-", dir="/var/tmp"))
    passed, failed, table = 0, 0, []
    hosts = Sides(run_dir)
    try:
        configs = [HERE / "foregate.yaml", HERE / "listed.txt"]
        initramfs = make_initramfs(run_dir, kernel, arguments.foregate.resolve(), configs)
        with hosts:
            (hosts.files / "small.txt").write_text("through the guest\n", encoding="ascii")
            (hosts.files / "large.bin").write_bytes(LARGE)
            hosts.serve()
            for nic in NICS:
                if arguments.nic in f"{nic.model} {nic.binding}":
                    good, bad, line = play(hosts, run_dir, kernel, initramfs, nic, arguments.only)
                    passed, failed = passed + good, failed + bad
                    table += [line] if line else []
        assert not hosts.leftovers(), hosts.leftovers()
        passed += 1
        print("ok      nothing is left behind")
    except Exception:  # pylint: disable=broad-except
        failed += 1
        print(f"FAILED  the guest\n{traceback.format_exc()}", flush=True)
    finally:
        if arguments.keep:
            print(f"kept: {run_dir}")
        else:
            shutil.rmtree(run_dir, ignore_errors=True)
    print(f"{'card':16}{'bound to':17}{'DPDK driver':14}{'shell':>7}{'console':>9}{'ping':>9}   seconds after power-on")
    for line in table:
        print(line)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
