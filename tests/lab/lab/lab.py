# SPDX-License-Identifier: BSD-3-Clause
"""The lab as one object: up, down, its hosts, and what can be done with it."""

import fcntl
import json
import os
import pathlib
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

from . import plan
from .beats import Beats
from .capture import Capture
from .database import Database
from .delay_line import DelayLine
from .namespaces import Host, existing, ip_batch, remove
from .processes import ProcessStore
from .servers import NameServer, PlainServers, WebServer
from .topology import CONGESTION, Topology
from .waiting import wait_for

INTERFACES = {"client": "pri", "gw": "desk", "wan": "near", "up": "br-up", "lan": "br-sec"}


class Desktop(Host):
    """A desktop: a host with a place in the plan."""

    def __init__(self, store, prefix, place):
        super().__init__(store, prefix, place.name)
        self.place = place

    @property
    def usage_class(self):
        return self.place.usage_class


class Lab:
    """Everything is under namespaces `<prefix>*` and below `run_dir`; one lab per prefix at a time.

    up() first clears whatever an earlier run with this prefix left behind. Use as a context to be sure of down().
    """

    def __init__(self, run_dir, tools_dir, desktops=12, delay_ms=20, rate=0, prefix="fgl-"):
        self.run_dir = pathlib.Path(run_dir).resolve()
        tools = pathlib.Path(tools_dir).resolve()
        self.labprobe = tools / "labprobe"
        self.prefix = prefix
        self.delay_ms = delay_ms
        self._rate = rate
        self._lock = None
        self.store = ProcessStore(f"/run/{prefix}processes", self.run_dir / "logs")
        self._topology = Topology(prefix, desktops)
        self.desktops = [Desktop(self.store, prefix, place) for place in self._topology.desktops]
        self.hosts = {d.name: d for d in self.desktops}
        for name in ("lan", "gw", "wan", "up", "client", *(s.name for s in self._topology.servers)):
            self.hosts[name] = Host(self.store, prefix, name)
        self.gateway, self.client = self.hosts["gw"], self.hosts["client"]
        names = {name: where for s in self._topology.servers for name, where in s.names.items()}
        self.dns = NameServer(self.hosts["dns"], self.run_dir / "dns", names)
        self.web = WebServer(self.hosts["web"], self.run_dir / "web", ["web.lab", "intranet.lab", "files.lab"])
        self.database = Database(self.hosts["db"], self.run_dir / "db", self.dns)
        self.plain = PlainServers(self.hosts["app"], self.hosts["evil"], self.labprobe, self.run_dir / "counts")
        self.delay_line = DelayLine(self.hosts["wan"], tools / "delayline", self.run_dir / "delayline.json")

    # --- life ---

    def up(self):
        """Builds everything and returns when every server answers (at its own host)."""
        if os.geteuid() != 0:
            raise PermissionError("the lab needs root: it makes network namespaces")
        for tool in (self.labprobe, self.labprobe.parent / "delayline"):
            if not os.access(tool, os.X_OK):
                raise FileNotFoundError(f"{tool}: not built")
        self._take_lock()
        try:
            self._clear()
            self.run_dir.mkdir(parents=True, exist_ok=True)
            with ThreadPoolExecutor(8) as pool:
                prepared = [pool.submit(self.database.prepare), pool.submit(self.web.prepare)]
                self._topology.build()
                jobs = [pool.submit(start) for start in (self.dns.start, self.plain.start, self._start_delay_line)]
                for job in prepared:
                    job.result()
                jobs += [pool.submit(self.web.start), pool.submit(self.database.start)]
                for job in jobs:
                    job.result()
        except BaseException:
            self.down()
            raise
        return self

    def _start_delay_line(self):
        self.delay_line.start(self.delay_ms, self._rate)

    def down(self):
        """Ends every process and removes every namespace; safe at any time, also when nothing is up."""
        self._clear()
        self._release_lock()

    def _clear(self):
        self.store.stop_all()
        remove(self.prefix)
        self.database.clear()
        pathlib.Path(f"/run/{self.prefix}wan-delayline.sock").unlink(missing_ok=True)

    def leftovers(self):
        """Names of what is still there of a lab with this prefix; empty after down()."""
        pids = list(self.store.directory.glob("*.pid")) if self.store.directory.is_dir() else []
        return [*existing(self.prefix), *(f"process {path.stem}" for path in pids)]

    def _take_lock(self):
        self._lock = open(f"/run/{self.prefix}lab.lock", "a+", encoding="ascii")  # closed by _release_lock
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            owner = self._lock.read().strip()
            self._lock.close()
            self._lock = None
            raise RuntimeError(f"a lab with prefix {self.prefix} is in use by process {owner}") from None
        self._lock.truncate(0)
        self._lock.write(f"{os.getpid()}\n")
        self._lock.flush()

    def _release_lock(self):
        if self._lock:
            self._lock.close()
            self._lock = None

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        self.down()

    # --- hosts ---

    def desktop(self, number):
        """Desktop `number`, from 1."""
        return self.desktops[number - 1]

    def desktops_of(self, usage_class):
        return [d for d in self.desktops if d.usage_class == usage_class]

    def host(self, name):
        """By short name: gw, client, db, web, app, evil, dns, wan, lan, up, dNN."""
        return self.hosts[name]

    def on_all(self, action, desktops=None):
        """action(desktop) for all at once; results in order, the first exception is raised."""
        chosen = self.desktops if desktops is None else desktops
        with ThreadPoolExecutor(max(len(chosen), 1)) as pool:
            return list(pool.map(action, chosen))

    # --- what can be done ---

    def gateway_is_kernel(self, on):
        """True: the kernel itself is the gateway (the yardstick). False: its addresses are gone, foregate may come."""
        lines = ["addr flush dev desk", "addr flush dev up"]
        if on:
            lines += [f"addr add {plan.DESKTOP_GATEWAY4}/16 dev desk",
                      f"addr add {plan.DESKTOP_GATEWAY6}/64 dev desk nodad",
                      f"addr add {plan.UPSTREAM_GATEWAY4}/16 dev up",
                      f"addr add {plan.UPSTREAM_GATEWAY6}/64 dev up nodad",
                      # without a link-local address the kernel cannot ask for the neighbours of packets it forwards
                      "addr add fe80::1/64 dev desk nodad", "addr add fe80::1/64 dev up nodad"]
        ip_batch(lines, self.gateway.namespace)
        self.forget_neighbours()

    def kernel_forwards(self, on):
        """False: the gateway's kernel leaves alone what arrives at desk and up. AF_PACKET ports need that, as they get
        copies and the kernel would route the originals; AF_XDP ports take the frames themselves."""
        words = [f"net.ipv4.conf.{port}.forwarding={int(on)}" for port in ("desk", "up")]
        words += [f"net.ipv6.conf.{port}.disable_ipv6={int(not on)}" for port in ("desk", "up")]
        self.gateway.run(["sysctl", "-qw", *words])

    def forget_neighbours(self):
        """Every host asks anew who has the gateway's address."""
        around = [*self.desktops, self.gateway, *(self.hosts[s.name] for s in self._topology.servers)]
        self.on_all(lambda host: host.neighbours_forgotten(), around)

    def move_database(self, remove_old=True):
        """db.lab points to the other address from now on; returns the new (IPv4, IPv6)."""
        return self.database.move(remove_old)

    def start_beats(self, timeline=None):
        """The display streams of all desktops begin; see beats.Beats."""
        return Beats(self.client, self.desktops, self.labprobe, timeline or self.run_dir / "beats.csv")

    def capture(self, host_name, path, expression="", interface=None):
        """A running capture at a host, at its interface towards the lab unless told otherwise."""
        default = "sec" if host_name[0] == "d" and host_name[1:].isdigit() else INTERFACES.get(host_name, "eth0")
        return Capture(self.hosts[host_name], interface or default, path, expression)

    def evil_packets(self):
        """What arrived at the malicious host so far: {address: {"packets": n, "tcp_syn": n, ...}}.

        Raises if the counter itself missed a packet: then nothing can be proved."""
        with _evil_lock:
            before = json.loads(self.plain.counts_path.read_text(encoding="ascii"))["serial"]
            self.plain.counter.send_signal(signal.SIGUSR1)

            def newer():
                counts = json.loads(self.plain.counts_path.read_text(encoding="ascii"))
                return counts if counts["serial"] > before else None

            counts = wait_for(newer, 5, "the packet counter's answer")
        if counts["missed"]:
            raise RuntimeError(f"the packet counter missed {counts['missed']} packets")
        return counts["destinations"]

    def facts(self):
        """What a report should name: the hosts' congestion control as read back, the path, the kernel."""
        key = "net.ipv4.tcp_congestion_control"
        hosts = [*self.desktops, *(self.hosts[s.name] for s in self._topology.servers)]
        found = self.on_all(lambda host: host.run(["sysctl", "-n", key]).stdout.strip(), hosts)
        return {"congestion_control": sorted(set(found)), "congestion_control_wanted": CONGESTION,
                "desktops": len(self.desktops), "delay_line": self.delay_line.get()["parameters"],
                "kernel": os.uname().release, "cores": os.cpu_count(), "mtu": 1500}


_evil_lock = threading.Lock()
