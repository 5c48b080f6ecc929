# SPDX-License-Identifier: BSD-3-Clause
"""What captures at both ends say about one query: the connection that carried it at the desktop and at the server.

Each query has a mark in its text. The server's capture tells on which connection the mark came in and when that
connection's handshake was complete; the desktop's capture tells when the desktop sent the SYN of its own connection.
"""

from dataclasses import dataclass


@dataclass
class Carried:
    """One marked query, all times in real time (one clock for all captures of the machine)."""

    mark: str
    desktop_syn_ns: int
    desktop_port: int
    server_handshake_ns: int
    server_port: int  # the source port that the server saw

    @property
    def ahead_s(self):
        """How long before the desktop's SYN the server had the connection complete."""
        return (self.desktop_syn_ns - self.server_handshake_ns) / 1e9


def carriers(packets, marks):
    """{mark: (source, source port)} of the packets that carry a mark."""
    wanted = {mark: mark.encode() for mark in marks}
    found = {}
    for packet in packets:
        if packet.payload:
            for mark in [m for m, text in wanted.items() if text in packet.payload]:
                found.setdefault(mark, (packet.source, packet.source_port))
    return found


def handshake(packets, end):
    """(time of the SYN, time of the ACK that completed it) of one end's connection; None where the SYN was not captured."""
    mine = [p for p in packets if (p.source, p.source_port) == end]
    syns = [p.time_ns for p in mine if p.is_syn]
    acks = [p.time_ns for p in mine if p.protocol == 6 and p.flags & 0x12 == 0x10 and syns and p.time_ns > syns[0]]
    return (syns[0], acks[0]) if acks else None


def compare(desktop_packets, server_packets, marks):
    """A Carried for each mark that both captures have. `desktop_packets`: of all desktops together."""
    near, far = carriers(desktop_packets, marks), carriers(server_packets, marks)
    result = []
    for mark in marks:
        if mark in near and mark in far:
            at_desktop, at_server = handshake(desktop_packets, near[mark]), handshake(server_packets, far[mark])
            if at_desktop and at_server:
                result.append(Carried(mark, at_desktop[0], near[mark][1], at_server[1], far[mark][1]))
    return result
