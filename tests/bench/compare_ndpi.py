#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""compare_ndpi.py FOREGATE [CAPTURE...] [--captures DIR] [--disagreements FILE] [--out FILE] [--json]

Flow by flow: `foregate classify` against ndpiReader (Debian's libndpi-bin, 4.2). Prints the share of flows and of packets
with the same protocol, and the disagreements by pair; FILE gets each one (file, transport, both ends, ours, theirs,
packets, in tabs). Two names of the same protocol count as the same (SAME). Flows that only one of the two reads (tunnels,
frames that are no IP) are counted apart."""
import argparse
import collections
import concurrent.futures
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# ours -> nDPI 4.2's name of the same
SAME = {"SMB": {"NetBIOS", "SMBv1", "SMBv23"}, "FTP": {"FTP_CONTROL"}, "DCERPC": {"RPC", "DCE_RPC"},
        "WebSocket": {"HTTP"}, "HTTP2": {"HTTP"}, "IPSec": {"IPsec"}}
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}


def key(protocol, a, a_port, b, b_port):
    return (protocol,) + tuple(sorted([(a, int(a_port)), (b, int(b_port))]))


def of_ndpi(capture):
    """Protocol before the dot and packets, by flow."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        subprocess.run(["ndpiReader", "-q", "-i", str(capture), "-C", file.name], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
        with open(file.name, encoding="utf-8", errors="replace") as text:
            rows = list(csv.DictReader(text))
    flows = {}
    for row in rows:
        if row.get("ndpi_proto"):
            flow = key(int(row["protocol"]), row["src_ip"], row["src_port"], row["dst_ip"], row["dst_port"])
            flows[flow] = (row["ndpi_proto"].split(".")[0], int(row["c_to_s_pkts"]) + int(row["s_to_c_pkts"]))
    return flows


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


def compare(args, captures):
    ours = of_foregate(args, captures)
    found = {"flows": 0, "flows_alike": 0, "packets": 0, "packets_alike": 0, "only_theirs": 0}
    disagreements = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for capture, theirs in zip(captures, pool.map(of_ndpi, captures)):
            mine = ours.get(str(capture), {})
            for flow, (name, packets) in theirs.items():
                app = mine.get(flow)
                if app is None:
                    found["only_theirs"] += 1
                    continue
                alike = app == name or name in SAME.get(app, ())
                found["flows"] += 1
                found["packets"] += packets
                found["flows_alike"] += alike
                found["packets_alike"] += packets if alike else 0
                if not alike:
                    (a, a_port), (b, b_port) = flow[1], flow[2]
                    disagreements.append((f"{capture.parent.name}/{capture.name}", flow[0], f"{a}:{a_port}",
                                          f"{b}:{b_port}", app, name, packets))
    return found, disagreements


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("foregate")
    parser.add_argument("captures_given", nargs="*", type=pathlib.Path)
    parser.add_argument("--captures", type=pathlib.Path, default=HERE.parents[1].parent / "shared" / "data" / "pcap")
    parser.add_argument("--disagreements", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--catalogue", action="append", default=[])
    args = parser.parse_args()
    if shutil.which("ndpiReader") is None:
        print("SKIPPED: ndpiReader is not installed (Debian: libndpi-bin)", file=sys.stderr)
        return 0
    captures = args.captures_given or sorted(p for p in args.captures.glob("*/*") if p.is_file())
    if not captures:
        print(f"SKIPPED: no captures in {args.captures}", file=sys.stderr)
        return 0
    found, disagreements = compare(args, captures)
    if args.disagreements:
        with open(args.disagreements, "w", encoding="utf-8") as file:
            print("file", "transport", "end", "end", "ours", "ndpiReader", "packets", sep="\t", file=file)
            for row in disagreements:
                print(*row, sep="\t", file=file)
    results = [{"name": f"{what}_like_ndpireader", "unit": "share", "median": found[what + "_alike"] / max(found[what], 1),
                "mad": 0, "runs": 1, "of": found[what]} for what in ("flows", "packets")]
    report = {"bench": "classify-ndpireader", "results": results, "flows_only_ndpireader": found["only_theirs"],
              "disagreements": [dict(zip(("file", "transport", "end", "end2", "ours", "ndpireader", "packets"), row))
                                for row in disagreements]}
    if args.out:
        args.out.write_text(json.dumps(report) + "\n", encoding="utf-8")
    if args.json:
        print(json.dumps(report))
        return 0
    for what in ("flows", "packets"):
        print(f"like ndpiReader 4.2: {found[what + '_alike']} of {found[what]} {what} "
              f"({found[what + '_alike'] / max(found[what], 1):.1%})")
    print(f"flows that only ndpiReader lists (it leaves most tunnels closed): {found['only_theirs']}")
    pairs = collections.Counter((row[4], row[5]) for row in disagreements)
    for (app, theirs), count in pairs.most_common():
        print(f"{count:6} ours {app}, ndpiReader {theirs}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
