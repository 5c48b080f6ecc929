# SPDX-License-Identifier: BSD-3-Clause
"""What is on either side of the guest: a desktop and a server, each a network namespace whose interface is the TAP that
QEMU puts behind one of the guest's cards. A TAP is gone with the last process that has it open."""

import ctypes
import fcntl
import os
import pathlib
import struct
from concurrent.futures import ThreadPoolExecutor

from lab import wait_for
from lab.namespaces import NAMED, Host, existing, ip_batch, make, remove
from lab.processes import ProcessStore

DESKTOP, STRANGER, GATEWAY = "10.10.1.1", "10.10.9.9", "10.10.0.1"
DESKTOP6, GATEWAY6 = "fd00:10::1:1", "fd00:10::1"
SERVER, SERVER6, LISTED = "10.20.0.80", "fd00:20::80", "10.20.6.66"
SERVER_GATEWAY, SERVER_GATEWAY6 = "10.20.0.1", "fd00:20::1"
INTERFACE = "net"
SETTINGS = ("net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.accept_ra=0",
            "net.ipv6.conf.default.router_solicitations=0")
TUNSETIFF, IFF_TAP, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0002, 0x1000, 0x40000000


def _tap(namespace):
    """A new TAP in a namespace; its file descriptor. The thread that this runs in stays in the namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(NAMED / namespace, "rb") as where:
        if libc.setns(where.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", INTERFACE.encode(), IFF_TAP | IFF_NO_PI))
    except OSError:
        os.close(tap)
        raise
    return tap


def _address_lines(*addresses):
    return [f"address add {address} dev {INTERFACE}" for address in addresses]


class Sides:
    """Both hosts, and a web server on the second. Use as a context."""

    def __init__(self, run_dir, prefix="fgv-"):
        self.prefix = prefix
        self.run_dir = pathlib.Path(run_dir)
        self.store = ProcessStore(f"/run/{prefix}processes", self.run_dir / "logs")
        self.desktop, self.server = (Host(self.store, prefix, name) for name in ("desktop", "server"))
        self.files = self.run_dir / "files"
        self._taps = []
        self._lock = None

    def __enter__(self):
        self._lock = open(f"/run/{self.prefix}lab.lock", "a+", encoding="ascii")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise RuntimeError(f"another run with prefix {self.prefix} has the hosts") from None
        try:
            self._clear()
            make([self.desktop.namespace, self.server.namespace])
            self.files.mkdir(parents=True, exist_ok=True)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._clear()
        self._lock.close()

    def taps(self):
        """A TAP in each namespace, with addresses and routes; two file descriptors, to be inherited by QEMU. Those of
        an earlier guest must have gone with it."""
        self._close_taps()
        for host in (self.desktop, self.server):
            wait_for(lambda: f" {INTERFACE}:" not in host.run(["ip", "-o", "link"]).stdout, 10,  # pylint: disable=W0640
                     f"the earlier TAP of {host.name} to be gone")
            host.run(["sysctl", "-q", "-w", *SETTINGS])
            with ThreadPoolExecutor(1) as own_thread:
                self._taps.append(own_thread.submit(_tap, host.namespace).result())
        ip_batch(["link set dev lo up", f"link set dev {INTERFACE} up",
                  *_address_lines(f"{DESKTOP}/16", f"{STRANGER}/16", f"{DESKTOP6}/64"),
                  f"route add default via {GATEWAY}", f"route add default via {GATEWAY6}"], self.desktop.namespace)
        ip_batch(["link set dev lo up", f"link set dev {INTERFACE} up",
                  *_address_lines(f"{SERVER}/16", f"{LISTED}/16", f"{SERVER6}/64"),
                  f"route add default via {SERVER_GATEWAY}", f"route add default via {SERVER_GATEWAY6}"],
                 self.server.namespace)
        return list(self._taps)

    def serve(self):
        """Starts the web server; it goes on over the guests, each of which brings new interfaces."""
        self.server.run(["ip", "link", "set", "dev", "lo", "up"])
        self.server.popen(["python3", "-m", "http.server", "80", "--bind", "::", "--directory", self.files], name="web")
        wait_for(lambda: self.server.run(["curl", "-sf", "http://127.0.0.1/"], check=False).returncode == 0, 20,
                 "the web server to answer")

    def leftovers(self):
        """Names of what is still there; empty after the end of the context."""
        pids = list(self.store.directory.glob("*.pid")) if self.store.directory.is_dir() else []
        return [*existing(self.prefix), *(f"process {path.stem}" for path in pids)]

    def _close_taps(self):
        while self._taps:
            os.close(self._taps.pop())

    def handed_over(self):
        """QEMU has the TAPs now: this process lets go of them, so that they end with the guest."""
        self._close_taps()

    def _clear(self):
        self._close_taps()
        self.store.stop_all()
        remove(self.prefix)
