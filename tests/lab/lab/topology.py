# SPDX-License-Identifier: BSD-3-Clause
"""The lab's wiring: veth pairs, bridges, addresses, routes and kernel settings of every namespace.

    dNN:sec ─┐                ┌─ gw:desk   gw:up ─ wan:near ~delay line~ wan:far ─┐             ┌─ dns, web, db,
             ├─ lan:br-sec ───┘                                                   ├─ up:br-up ──┤  app, evil
    dNN:pri ─┴─ lan:br-pri ───── gw:prid ═ gw:br-primary ═ gw:pric ─ client:pri   ┘             └─
"""

from concurrent.futures import ThreadPoolExecutor

from . import plan
from .namespaces import ip_batch, make, run, set_resolver

CONGESTION = "cubic"
ALLOWED = "/proc/sys/net/ipv4/tcp_allowed_congestion_control"
OFFLOADS = "tx off rx off sg off tso off gso off gro off"

# In every namespace. No metrics saved between connections: the first and the hundredth start alike.
COMMON_SETTINGS = {
    "net.ipv4.tcp_congestion_control": CONGESTION,
    "net.ipv4.tcp_no_metrics_save": 1,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
    # else taking a server's first address away would take the others along
    "net.ipv4.conf.all.promote_secondaries": 1,
    "net.ipv6.conf.all.accept_dad": 0,
    "net.ipv6.conf.default.accept_dad": 0,
    "net.ipv6.conf.default.accept_ra": 0,
    "net.ipv6.conf.default.router_solicitations": 0,
    "net.ipv6.conf.default.autoconf": 0,
    "net.ipv4.neigh.default.gc_stale_time": 3600,
}
BRIDGE_SETTINGS = {f"net.bridge.bridge-nf-call-{kind}": 0 for kind in ("iptables", "ip6tables", "arptables")}
SWITCH_SETTINGS = {"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1}
GATEWAY_SETTINGS = {
    "net.ipv4.ip_forward": 1,
    "net.ipv6.conf.all.forwarding": 1,
    "net.ipv6.conf.default.forwarding": 1,
    "net.ipv4.conf.all.send_redirects": 0,
    "net.ipv4.conf.default.send_redirects": 0,
}


def bridge_lines(name, ports):
    return [
        f"link add {name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
        f"link set dev {name} up",
        *(f"link set dev {port} master {name} up" for port in ports),
    ]


def setting_files(settings, interfaces):
    """(file, value); what is the default for new interfaces is also said to those that are there already."""
    for key, value in settings.items():
        path = "/proc/sys/" + key.replace(".", "/")
        yield path, value
        if "/conf/default/" in path:
            yield from ((path.replace("/default/", f"/{name}/"), value) for name in interfaces)


class Topology:
    """What is to be built for a number of desktops; `build()` does it."""

    def __init__(self, prefix, desktops):
        self.prefix = prefix
        self.desktops = plan.desktop_places(desktops)
        self.servers = plan.servers()

    def names(self):
        fixed = ["lan", "gw", "wan", "up", "client"]
        return [self.prefix + name for name in
                [*fixed, *(d.name for d in self.desktops), *(s.name for s in self.servers)]]

    def build(self):
        make(self.names())
        ip_batch(self._link_lines())
        with allowed_congestion():
            with ThreadPoolExecutor(8) as pool:
                for result in [pool.submit(self._set_up, *job) for job in self._jobs()]:
                    result.result()

    def _link_lines(self):
        p = self.prefix

        def pair(a, a_name, b, b_name, a_mac=None, b_mac=None):
            first = f"address {a_mac} " if a_mac else ""
            second = f"address {b_mac} " if b_mac else ""
            return (f"link add name {a_name} {first}netns {p}{a} type veth "
                    f"peer name {b_name} {second}netns {p}{b}")

        lines = [
            pair("gw", "desk", "lan", "gw-desk", plan.fixed_mac(1, 1)),
            pair("gw", "up", "wan", "near", plan.fixed_mac(1, 2)),
            pair("gw", "prid", "lan", "gw-prid", plan.fixed_mac(1, 3)),
            pair("gw", "pric", "client", "pri", plan.fixed_mac(1, 4), plan.fixed_mac(3, 200)),
            pair("wan", "far", "up", "wan"),
        ]
        for d in self.desktops:
            lines.append(pair(d.name, "sec", "lan", f"{d.name}-sec", plan.fixed_mac(2, d.number)))
            lines.append(pair(d.name, "pri", "lan", f"{d.name}-pri", plan.fixed_mac(3, d.number)))
        for number, s in enumerate(self.servers, 1):
            lines.append(pair(s.name, "eth0", "up", s.name, plan.fixed_mac(4, number)))
        return lines

    def _jobs(self):
        """(namespace, interfaces, ip lines, settings) of each namespace."""
        d_ports = [d.name for d in self.desktops]
        lan_ports = [[f"{n}-sec" for n in d_ports] + ["gw-desk"], [f"{n}-pri" for n in d_ports] + ["gw-prid"]]
        up_ports = ["wan", *(s.name for s in self.servers)]
        yield ("lan", lan_ports[0] + lan_ports[1],
               bridge_lines("br-sec", lan_ports[0]) + bridge_lines("br-pri", lan_ports[1]),
               {**SWITCH_SETTINGS, **BRIDGE_SETTINGS})
        yield "up", up_ports, bridge_lines("br-up", up_ports), {**SWITCH_SETTINGS, **BRIDGE_SETTINGS}
        yield "wan", ["near", "far"], ["link set dev near up", "link set dev far up"], SWITCH_SETTINGS
        yield "gw", ["desk", "up", "prid", "pric"], self._gateway_lines(), {**GATEWAY_SETTINGS, **BRIDGE_SETTINGS}
        yield "client", ["pri"], [f"addr add {plan.CLIENT_PRIMARY4}/24 dev pri", "link set dev pri up"], {}
        for d in self.desktops:
            yield d.name, ["sec", "pri"], self._desktop_lines(d), {}
        for s in self.servers:
            yield s.name, ["eth0"], self._server_lines(s), {}

    @staticmethod
    def _gateway_lines():
        # No addresses, not even link-local ones: on desk and up they belong to the gateway's own twins.
        ports = ("desk", "up", "prid", "pric")
        lines = [f"link set dev {port} addrgenmode none" for port in ports]
        lines += bridge_lines("br-primary", ["prid", "pric"])
        lines.insert(len(ports) + 1, "link set dev br-primary addrgenmode none")
        return lines + ["link set dev desk up", "link set dev up up"]

    @staticmethod
    def _desktop_lines(d):
        return [
            f"addr add {d.secondary4}/16 dev sec",
            f"addr add {d.secondary6}/64 dev sec nodad",
            f"addr add {d.primary4}/24 dev pri",
            "link set dev sec up",
            "link set dev pri up",
            f"route add default via {plan.DESKTOP_GATEWAY4} dev sec",
            f"route add ::/0 via {plan.DESKTOP_GATEWAY6} dev sec",
        ]

    @staticmethod
    def _server_lines(s):
        return [
            *(f"addr add {address}/16 dev eth0" for address in s.addresses4),
            *(f"addr add {address}/64 dev eth0 nodad" for address in s.addresses6),
            "link set dev eth0 up",
            f"route add default via {plan.UPSTREAM_GATEWAY4} dev eth0",
            f"route add ::/0 via {plan.UPSTREAM_GATEWAY6} dev eth0",
        ]

    def _set_up(self, short_name, interfaces, ip_lines, settings):
        namespace = self.prefix + short_name
        writes = "".join(f"[ ! -e {path} ] || echo {value} > {path}\n"
                         for path, value in setting_files({**COMMON_SETTINGS, **settings}, interfaces))
        offloads = "".join(f"ethtool -K {name} {OFFLOADS} >/dev/null\n" for name in interfaces)
        lines = "\n".join(["link set dev lo up", *ip_lines])
        script = f"set -e\n{writes}{offloads}ip -batch - <<'END'\n{lines}\nEND\n"
        run(["ip", "netns", "exec", namespace, "sh", "-c", script])
        set_resolver(namespace, [plan.DNS4])


class allowed_congestion:  # pylint: disable=invalid-name
    """Inside, a namespace may choose the lab's congestion control as its default: the kernel grants that only for the
    algorithms on a machine-wide list. The list is put back afterwards."""

    def __enter__(self):
        with open(ALLOWED, encoding="ascii") as file:
            self._before = file.read().strip()
        if CONGESTION not in self._before.split():
            with open(ALLOWED, "w", encoding="ascii") as file:
                file.write(f"{self._before} {CONGESTION}")

    def __exit__(self, *_):
        with open(ALLOWED, encoding="ascii") as file:
            now = file.read().strip()
        if now != self._before:
            with open(ALLOWED, "w", encoding="ascii") as file:
                file.write(self._before)
