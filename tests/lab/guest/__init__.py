# SPDX-License-Identifier: BSD-3-Clause
"""The gateway on PCI NICs: a guest of QEMU with two emulated cards bound for DPDK, and a host on either side."""

from .initramfs import make_initramfs
from .kernel import GuestNotPossible, fetch_kernel
from .machine import Machine, Nic
from .sides import Sides

__all__ = ["GuestNotPossible", "Machine", "Nic", "Sides", "fetch_kernel", "make_initramfs"]
