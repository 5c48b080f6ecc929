#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""judge_classify.py FOREGATE [--captures DIR] [--reasons FILE] [--json]

Runs `foregate classify --json` on labelled captures (DIR/labels.tsv) and compares: the protocol of most packets of a file
with the label's `app` before the dot, and the label's host names with the names found. Where two protocols have as many
packets, either is a hit (listed as a tie). Prints the shares by the labels' origin and every mismatch with its reason
(FILE: file, ours, label, why, in tabs; a missing host has `host` in place of `ours`); one without a reason is marked."""
import argparse
import collections
import csv
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CATALOGUE = HERE.parents[1] / "conf" / "catalogue.yaml"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("foregate")
    parser.add_argument("--captures", type=pathlib.Path, default=HERE.parents[1].parent / "shared" / "data" / "pcap")
    parser.add_argument("--reasons", type=pathlib.Path, default=HERE / "classify_mismatches.tsv")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--catalogue", action="append", default=[])
    return parser.parse_args()


def classify(foregate, files, catalogues):
    """Flows by file."""
    flows = collections.defaultdict(list)
    command = [foregate, "classify", "--json"] + [str(f) for f in files]
    command += [word for c in catalogues for word in ("--catalogue", c)]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        print(result.stderr[-2000:], file=sys.stderr)
    for line in result.stdout.splitlines():
        flow = json.loads(line)
        flows[flow["file"]].append(flow)
    return flows


def apps_of_most_packets(flows):
    """One, or several where they have as many packets each."""
    by_app = collections.Counter()
    for flow in flows:
        by_app[flow["app"].split(".")[0]] += flow["packets"]
    most = max(by_app.values(), default=0)
    return [app for app, packets in by_app.items() if packets == most] or ["-"]


def bare(host):
    """Names are compared without case, port and user."""
    host = host.lower().rsplit("@", 1)[-1].rstrip(".")
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and ":" not in name else host


def names_of(flows):
    names = set()
    for flow in flows:
        for host in flow.get("hosts", []) or ([flow["host"]] if flow["host"] else []):
            names.add(bare(host))
    return names


def judge(args):
    with open(args.captures / "labels.tsv", encoding="utf-8") as file:
        labels = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    reasons = {}
    if args.reasons.exists():
        for line in args.reasons.read_text(encoding="utf-8").splitlines():
            columns = line.split("\t")
            if len(columns) == 4 and columns[0] != "file":
                reasons[(columns[0], columns[1] == "host")] = columns[3]
    flows = classify(args.foregate, [args.captures / label["file"] for label in labels], args.catalogue)
    shares = collections.defaultdict(lambda: [0, 0])
    hosts = [0, 0]
    covered = collections.defaultdict(list)
    mismatches, missing, ties = [], [], []
    for label in labels:
        of_file = flows.get(str(args.captures / label["file"]), [])
        wanted = label["app"].split(".")[0]
        names = {bare(h) for h in label["hosts"].split("+")} - {"-", ""}
        if names:
            hosts[1] += 1
            if names & names_of(of_file):
                hosts[0] += 1
            else:
                missing.append({"file": label["file"], "hosts": sorted(names), "ours": sorted(names_of(of_file))[:3],
                                "why": reasons.get((label["file"], True), "")})
        if wanted == "-":
            continue
        ours = apps_of_most_packets(of_file)
        hit = wanted in ours
        share = shares[label["app_from"]]
        share[1] += 1
        share[0] += hit
        covered[wanted].append(hit)
        if not hit:
            mismatches.append({"file": label["file"], "from": label["app_from"], "ours": "/".join(ours),
                               "label": label["app"], "why": reasons.get((label["file"], False), "")})
        elif len(ours) > 1:
            ties.append({"file": label["file"], "from": label["app_from"], "ours": "/".join(ours), "label": label["app"]})
    not_covered = sorted(app for app, right in covered.items() if len(right) > 1 and not any(right))
    catalogue = CATALOGUE.read_text(encoding="utf-8")
    not_covered = {app: f"{{name: {app}," in catalogue for app in not_covered}
    return shares, hosts, mismatches, missing, ties, not_covered


def main():
    args = arguments()
    if not (args.captures / "labels.tsv").exists():
        print(f"SKIPPED: no labelled captures in {args.captures}; nothing was judged", file=sys.stderr)
        return 0
    shares, hosts, mismatches, missing, ties, not_covered = judge(args)
    ndpi = shares.get("ndpi-result", [0, 0])
    others = [sum(s[i] for name, s in shares.items() if name != "ndpi-result") for i in (0, 1)]
    results = [{"name": "files_ndpi_result", "unit": "share", "median": ndpi[0] / max(ndpi[1], 1), "goal": 0.95, "files": ndpi[1]},
               {"name": "files_other", "unit": "share", "median": others[0] / max(others[1], 1), "goal": 0.85, "files": others[1]},
               {"name": "hosts_found", "unit": "share", "median": hosts[0] / max(hosts[1], 1), "goal": 1.0, "files": hosts[1]}]
    report = {"bench": "classify", "results": [dict(r, mad=0, runs=1) for r in results], "mismatches": mismatches,
              "hosts_missing": missing, "ties": ties, "not_covered": not_covered}
    if args.out:
        args.out.write_text(json.dumps(report) + "\n", encoding="utf-8")
    if args.json:
        print(json.dumps(report))
    else:
        for row in results:
            print(f"{row['name']:20} {row['median']:.1%} of {row['files']} files, goal {row['goal']:.0%}")
        tied = collections.Counter(tie["from"] for tie in ties)
        for name, share in sorted(shares.items()):
            print(f"  labels from {name:12} {share[0]:4} of {share[1]:4}" +
                  (f", {tied[name]} of them ties" if tied[name] else ""))
        print(f"mismatches ({len(mismatches)}):")
        for m in mismatches:
            print(f"  {m['file']}: {m['ours']}, label {m['label']} ({m['from']}): {m['why'] or 'NO REASON GIVEN'}")
        print(f"hosts not found ({len(missing)}):")
        for m in missing:
            print(f"  {m['file']}: {', '.join(m['hosts'])}; ours: {', '.join(m['ours']) or '-'}: "
                  f"{m['why'] or 'NO REASON GIVEN'}")
        print(f"ties ({len(ties)}):")
        for m in ties:
            print(f"  {m['file']}: {m['ours']} with as many packets each, label {m['label']}")
        print("protocols of two or more files without a hit:",
              ", ".join(f"{app} ({'in' if known else 'NOT IN'} the catalogue)" for app, known in not_covered.items()) or "none")
    goals_met = ndpi[0] >= 0.95 * ndpi[1] and others[0] >= 0.85 * others[1] and all(not_covered.values())
    return 0 if goals_met else 1


if __name__ == "__main__":
    sys.exit(main())
