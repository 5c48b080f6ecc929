# SPDX-License-Identifier: BSD-3-Clause
"""Real hosts in network namespaces around one gateway, for system tests. See NOTES.md one folder up."""

from . import plan
from .beats import Beats, interval_figures, read_timeline
from .capture import Capture, Packet, read_packets
from .lab import Desktop, Lab
from .namespaces import Host
from .processes import Process
from .waiting import WaitTimeout, wait_for

__all__ = ["Beats", "Capture", "Desktop", "Host", "Lab", "Packet", "Process", "WaitTimeout", "interval_figures",
           "plan", "read_packets", "read_timeline", "wait_for"]
