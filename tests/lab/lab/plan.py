# SPDX-License-Identifier: BSD-3-Clause
"""The lab's address plan: who is where, under which names. Nothing here does anything."""

from dataclasses import dataclass, field

DESKTOP_LAN4, DESKTOP_LAN6 = "10.10.0.0/16", "fd00:10::/64"
DESKTOP_GATEWAY4, DESKTOP_GATEWAY6 = "10.10.0.1", "fd00:10::1"
PRIMARY_LAN4 = "10.99.0.0/24"
CLIENT_PRIMARY4 = "10.99.0.200"
UPSTREAM_LAN4, UPSTREAM_LAN6 = "10.20.0.0/16", "fd00:20::/64"
UPSTREAM_GATEWAY4, UPSTREAM_GATEWAY6 = "10.20.0.1", "fd00:20::1"
DNS4, DNS6 = "10.20.0.53", "fd00:20::53"

BEAT_PORT = 4172
APP_PORT, BULK_PORT, REPORT_PORT = 7000, 7001, 7002
EVIL_PORTS = (22, 80, 443, 8443)
SSH_HOSTS4 = [f"10.20.7.{n}" for n in range(1, 31)]


@dataclass(frozen=True)
class DesktopPlace:
    """One desktop: its class and its addresses on both interfaces."""

    number: int
    usage_class: str

    @property
    def name(self):
        return f"d{self.number:02d}"

    @property
    def group(self):
        return 1 if self.usage_class == "office" else 2

    @property
    def secondary4(self):
        return f"10.10.{self.group}.{self.number}"

    @property
    def secondary6(self):
        return f"fd00:10::{self.group}:{self.number}"

    @property
    def primary4(self):
        return f"10.99.0.{self.number}"


def desktop_places(count):
    """The first half are office desktops, the rest engineering."""
    if not 2 <= count <= 99:
        raise ValueError(f"desktops: expected 2 to 99, got {count}")
    return [DesktopPlace(n, "office" if n <= (count + 1) // 2 else "engineering") for n in range(1, count + 1)]


@dataclass(frozen=True)
class ServerPlace:
    """One server host: its addresses and the names that point to them."""

    name: str
    addresses4: list
    addresses6: list
    names: dict = field(default_factory=dict)  # DNS name -> (IPv4, IPv6 or None)


def servers():
    return [
        ServerPlace("dns", [DNS4], [DNS6], {"dns.lab": (DNS4, DNS6)}),
        ServerPlace(
            "web",
            ["10.20.0.80", "10.20.0.81", "10.20.0.82"],
            ["fd00:20::80", "fd00:20::81", "fd00:20::82"],
            {
                "web.lab": ("10.20.0.80", "fd00:20::80"),
                "intranet.lab": ("10.20.0.81", "fd00:20::81"),
                "files.lab": ("10.20.0.82", "fd00:20::82"),
            },
        ),
        ServerPlace(
            "db",
            ["10.20.0.10", "10.20.0.12"],
            ["fd00:20::10", "fd00:20::12"],
            # archive.lab is the same server under an address and a name that nobody's history knows.
            {"db.lab": ("10.20.0.10", "fd00:20::10"), "archive.lab": ("10.20.0.12", "fd00:20::12")},
        ),
        ServerPlace(
            "app",
            ["10.20.0.70", "10.20.0.71", "10.20.0.72"],
            ["fd00:20::70", "fd00:20::71", "fd00:20::72"],
            {
                "app.lab": ("10.20.0.70", "fd00:20::70"),
                "report.lab": ("10.20.0.71", "fd00:20::71"),
                "bulk.lab": ("10.20.0.72", "fd00:20::72"),
            },
        ),
        ServerPlace(
            "evil",
            ["10.20.6.66", "10.20.6.67", *SSH_HOSTS4],
            ["fd00:20::6:66", "fd00:20::6:67"],
            {
                # bad.lab is on the name list; the other two are caught by SNI and Host only, so they resolve to an
                # address that no list has.
                "bad.lab": ("10.20.6.66", "fd00:20::6:66"),
                "sni-bad.lab": ("10.20.6.67", "fd00:20::6:67"),
                "host-bad.lab": ("10.20.6.67", "fd00:20::6:67"),
            },
        ),
    ]


# Where the database's name can point: before and after the move.
DATABASE_PLACES = [("10.20.0.10", "fd00:20::10"), ("10.20.0.11", "fd00:20::11")]


def fixed_mac(kind, number):
    """A locally administered address that is the same in every run. kind: 1 gateway, 2 secondary, 3 primary, 4 server."""
    return f"02:f0:00:{kind:02x}:{number >> 8:02x}:{number & 255:02x}"
