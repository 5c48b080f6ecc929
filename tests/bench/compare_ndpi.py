#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""compare_ndpi.py FOREGATE [CAPTURE...] [--captures DIR] [--list] [--catalogue F]

Flow by flow: `foregate classify` against ndpiReader (Debian's libndpi-bin, 4.2). Prints the share of flows with the same
protocol, and the disagreements by pair with their number; --list prints each flow. Names that mean the same protocol
count as the same (SAME)."""
import argparse
import collections
import csv
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# ours -> nDPI 4.2's
SAME = {"SMB": {"NetBIOS", "SMBv1", "SMBv23"}, "FTP": {"FTP_CONTROL", "FTP_DATA"}, "DCERPC": {"RPC"}, "WebSocket": {"HTTP"},
        "HTTP2": {"HTTP"}, "NFS": {"NFS", "RPC"}, "MDNS": {"DNS"}, "LLMNR": {"DNS"}}
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}


def key(protocol, a, a_port, b, b_port):
    return (protocol,) + tuple(sorted([(a, int(a_port)), (b, int(b_port))]))


def of_ndpi(capture):
    """Protocol before the dot by flow."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        subprocess.run(["ndpiReader", "-q", "-i", str(capture), "-C", file.name], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
        with open(file.name, encoding="utf-8", errors="replace") as text:
            rows = list(csv.DictReader(text))
    return {key(int(r["protocol"]), r["src_ip"], r["src_port"], r["dst_ip"], r["dst_port"]): r["ndpi_proto"].split(".")[0]
            for r in rows if r.get("ndpi_proto")}


def of_foregate(args, captures):
    command = [args.foregate, "classify", "--json"] + [str(c) for c in captures]
    command += [word for c in args.catalogue for word in ("--catalogue", c)]
    flows = collections.defaultdict(dict)
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    for line in result.stdout.splitlines():
        f = json.loads(line)
        number = NUMBERS.get(f["protocol"], int(f["protocol"]) if f["protocol"].isdigit() else -1)
        if number in (1, 58):
            f["src_port"] = f["dst_port"] = 0
        flows[f["file"]][key(number, f["src"], f["src_port"], f["dst"], f["dst_port"])] = f["app"].split(".")[0]
    return flows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("foregate")
    parser.add_argument("captures_given", nargs="*", type=pathlib.Path)
    parser.add_argument("--captures", type=pathlib.Path, default=HERE.parents[1].parent / "shared" / "data" / "pcap")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--catalogue", action="append", default=[])
    args = parser.parse_args()
    if shutil.which("ndpiReader") is None:
        print("SKIPPED: ndpiReader is not installed (Debian: libndpi-bin)", file=sys.stderr)
        return 0
    captures = args.captures_given or sorted(p for p in args.captures.glob("*/*") if p.is_file())
    if not captures:
        print(f"SKIPPED: no captures in {args.captures}", file=sys.stderr)
        return 0
    ours = of_foregate(args, captures)
    same = both = 0
    pairs = collections.Counter()
    for capture in captures:
        mine = ours.get(str(capture), {})
        for flow, theirs in of_ndpi(capture).items():
            app = mine.get(flow)
            if app is None:
                continue  # a flow inside a tunnel, or one that only one of the two can read
            both += 1
            if app == theirs or theirs in SAME.get(app, ()):
                same += 1
                continue
            pairs[(app, theirs)] += 1
            if args.list:
                (a, a_port), (b, b_port) = flow[1], flow[2]
                print(f"{capture.parent.name}/{capture.name}\t{flow[0]}\t{a}:{a_port}\t{b}:{b_port}\t{app}\t{theirs}")
    print(f"{same} of {both} flows alike ({same / max(both, 1):.1%})")
    for (app, theirs), count in pairs.most_common():
        print(f"{count:6} ours {app}, ndpiReader {theirs}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
