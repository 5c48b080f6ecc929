# SPDX-License-Identifier: BSD-3-Clause
"""Packet captures at any host of the lab, and a reader for them."""

import pathlib
import re
import signal
import socket
import struct
from dataclasses import dataclass

from .waiting import wait_for


class Capture:
    """tcpdump at one interface; exists only while it really captures. Use as a context, or call stop()."""

    def __init__(self, host, interface, path, expression=""):
        self.path = pathlib.Path(path)
        self.path.unlink(missing_ok=True)
        words = expression.split()
        self._process = host.popen(
            ["tcpdump", "-U", "-n", "-Z", "root", "-B", "16384", "--immediate-mode", "--time-stamp-precision=nano",
             "-i", interface, "-w", self.path, *words], name="tcpdump")
        self._process.wait_ready("listening on")

    def stop(self):
        """Ends the capture; returns how many packets the kernel could not hand over (0: the capture is complete)."""
        self._process.stop(signal.SIGINT)
        missed = re.search(r"(\d+) packets? dropped by kernel", self._process.errors())
        return int(missed.group(1)) if missed else 0

    def packets(self):
        return list(read_packets(self.path))

    def wait_packet(self, predicate, timeout, what):
        """Waits until a captured packet fulfils predicate(packet); returns it."""
        return wait_for(lambda: next((p for p in self.packets() if predicate(p)), None), timeout, what, 0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


@dataclass(frozen=True)
class Packet:
    """What a capture tells about one IP packet. `time_ns` is real time (all captures of a machine share it)."""

    time_ns: int
    source: str
    destination: str
    protocol: int  # 6 TCP, 17 UDP, ...
    ttl: int
    length: int
    source_port: int = 0
    destination_port: int = 0
    flags: int = 0
    sequence: int = 0
    acknowledgement: int = 0
    payload: bytes = b""

    @property
    def is_syn(self):
        return self.protocol == 6 and self.flags & 0x12 == 0x02

    @property
    def is_syn_ack(self):
        return self.protocol == 6 and self.flags & 0x12 == 0x12


def read_packets(path):
    """Packets of an Ethernet pcap file, in order; frames that are not IP are left out, a cut last record ends it."""
    data = pathlib.Path(path).read_bytes()
    if len(data) < 24:
        return
    magic = struct.unpack_from("<I", data)[0]
    if magic not in (0xA1B23C4D, 0xA1B2C3D4):
        raise ValueError(f"{path}: not a pcap file of this machine")
    scale = 1 if magic == 0xA1B23C4D else 1000
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, kept, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + kept]
        if len(frame) < kept:
            return
        packet = parse_frame(seconds * 1_000_000_000 + fraction * scale, frame)
        if packet:
            yield packet
        at += 16 + kept


def parse_frame(time_ns, frame):
    kind = frame[12:14]
    if kind == b"\x08\x00" and len(frame) >= 34:
        header = (frame[14] & 15) * 4
        length = struct.unpack_from("!H", frame, 16)[0]
        fields = dict(source=socket.inet_ntoa(frame[26:30]), destination=socket.inet_ntoa(frame[30:34]),
                      protocol=frame[23], ttl=frame[22], length=length)
        body = frame[14 + header:14 + length]
    elif kind == b"\x86\xdd" and len(frame) >= 54:
        length = 40 + struct.unpack_from("!H", frame, 18)[0]
        fields = dict(source=socket.inet_ntop(socket.AF_INET6, frame[22:38]),
                      destination=socket.inet_ntop(socket.AF_INET6, frame[38:54]),
                      protocol=frame[20], ttl=frame[21], length=length)
        body = frame[54:14 + length]
    else:
        return None
    return Packet(time_ns=time_ns, **fields, **transport_fields(fields["protocol"], body))


def transport_fields(protocol, body):
    if protocol == 6 and len(body) >= 20:
        source, destination, sequence, acknowledgement, offset, flags = struct.unpack_from("!HHIIBB", body)
        return dict(source_port=source, destination_port=destination, sequence=sequence,
                    acknowledgement=acknowledgement, flags=flags, payload=bytes(body[(offset >> 4) * 4:]))
    if protocol == 17 and len(body) >= 8:
        source, destination = struct.unpack_from("!HH", body)
        return dict(source_port=source, destination_port=destination, payload=bytes(body[8:]))
    return {}
