# SPDX-License-Identifier: BSD-3-Clause
"""One guest: QEMU in software emulation, its two cards, and the line to its shell."""

import json
import shlex
import socket
import time
from dataclasses import dataclass

from lab import wait_for

MEMORY_MIB, HUGEPAGES = 768, 96  # of 2 MiB
ADDRESSES = ("0000:00:03.0", "0000:00:04.0")
PATIENCE = 120  # seconds that a step of a software-emulated machine may take before it counts as hung


@dataclass(frozen=True)
class Nic:
    """A kind of emulated card, and how it is bound."""

    model: str   # QEMU's name of the device
    binding: str  # the kernel's driver that hands it to a process
    driver: str  # DPDK's driver, as the console shows it
    options: str = ""  # of the device

    @property
    def behind_iommu(self):
        return self.binding == "vfio-pci"


class Machine:
    """A guest from power-on to power-off. `taps`: file descriptors of the interfaces behind the two cards."""

    def __init__(self, store, work, kernel, initramfs, nic):
        self.nic = nic
        self._store = store
        self._socket_path = work / "shell.sock"
        self._console = work / "console.log"
        self._kernel, self._initramfs = kernel, initramfs
        self._process = self._socket = None
        self._number = 0
        self._received = b""
        self.power_on = 0.0

    def start(self, taps):
        """Returns when the guest's shell has said that the gateway was started."""
        self._socket_path.unlink(missing_ok=True)
        self._console.unlink(missing_ok=True)
        self.power_on = time.monotonic()
        self._process = self._store.start(f"guest.{self.nic.model}", self._command(taps), pass_fds=taps)
        wait_for(self._connects, PATIENCE, "the serial port of the guest", 0.05)
        self._answer(0)
        return self

    def seconds(self):
        """Since power-on."""
        return time.monotonic() - self.power_on

    def shell(self, command):
        """Runs a command in the guest; (exit status, what it wrote)."""
        self._number += 1
        self._socket.sendall(f"{self._number} {command}\n".encode())
        return self._answer(self._number)

    def console(self, command):
        """The gateway's console in the guest, as JSON."""
        status, said = self.shell(f"foregate console --json {shlex.quote(command)}")
        if status != 0:
            raise RuntimeError(f"{command}: {said.strip()}")
        return json.loads(said)

    def wait_for_gateway(self):
        """Returns when the gateway's console answers; raises if the gateway has ended."""
        wait_for(self._settled, PATIENCE, "the gateway's console", 0.1)
        self.console("show status")

    def kill_and_restart_gateway(self):
        """kill -9 and a new start, with nothing done in between."""
        self.shell("kill")
        self.wait_for_gateway()

    def _settled(self):
        """Whether the console answers, or never will."""
        status, _ = self.shell("[ -S /run/foregate/console.sock ] && foregate console --json show status")
        return status == 0 or self.shell("kill -0 $gateway")[0] != 0

    def off(self):
        """Ends the gateway in order and switches off; (exit status of QEMU, of the gateway)."""
        self._number += 1
        self._socket.sendall(f"{self._number} off\n".encode())
        code = self._process.wait(PATIENCE)
        words = [line.split()[-1] for line in self.log().splitlines() if line.startswith("guest: foregate ended with ")]
        return code, int(words[-1]) if words else None

    def stop(self):
        """Ends it in whatever state it is."""
        if self._socket:
            self._socket.close()
            self._socket = None
        if self._process and self._process.alive():
            self._process.stop()

    def log(self):
        """What the kernel, init and the gateway have written."""
        return self._console.read_text(errors="replace").replace("\r", "") if self._console.exists() else ""

    def _command(self, taps):
        nic = self.nic
        words = [f"foregate.driver={nic.binding}", f"foregate.nics={','.join(ADDRESSES)}", "console=ttyS0",
                 "loglevel=4", "panic=-1", f"hugepages={HUGEPAGES}"]
        if nic.behind_iommu:
            words += ["intel_iommu=on", "iommu=pt"]
        # The processor is the least that the program is built for.
        command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "Nehalem",
                   "-smp", "2", "-m", str(MEMORY_MIB), "-nodefaults", "-no-user-config", "-display", "none",
                   "-no-reboot", "-kernel", self._kernel.image, "-initrd", self._initramfs, "-append", " ".join(words),
                   "-serial", f"file:{self._console}", "-serial", f"unix:{self._socket_path},server=on,wait=off"]
        if nic.behind_iommu:
            command += ["-device", "intel-iommu,intremap=on,aw-bits=48"]
        for number, (tap, address) in enumerate(zip(taps, ADDRESSES)):
            slot = address.split(":")[2].split(".")[0]
            command += ["-netdev", f"tap,id=net{number},fd={tap}", "-device",
                        f"{nic.model},netdev=net{number},addr=0x{slot},mac=52:54:00:00:00:{slot},romfile=" +
                        (f",{nic.options}" if nic.options else "")]
        return command

    def _connects(self):
        if not self._process.alive():
            raise RuntimeError(f"QEMU ended: {self._process.errors()[-2000:]}")
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(str(self._socket_path))
        except OSError:
            line.close()
            return False
        line.settimeout(PATIENCE)
        self._socket = line
        return True

    def _answer(self, number):
        """Reads up to the line `@@NUMBER STATUS`."""
        while True:
            head, mark, rest = self._received.partition(f"@@{number} ".encode())
            status, end, after = rest.partition(b"\n")
            if mark and end:
                self._received = after
                return int(status), head.decode(errors="replace").replace("\r", "")
            try:
                piece = self._socket.recv(65536)
            except TimeoutError:
                piece = b""
            if not piece:
                raise RuntimeError(f"the guest is silent; QEMU wrote: {self._process.errors()[-1000:]}")
            self._received += piece
