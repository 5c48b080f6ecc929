#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The lab by hand: labctl.py up | down | status | exec HOST COMMAND... | set KEY=VALUE... | kernel on|off

`up` leaves the lab running when it returns; `down` removes it. HOST is gw, client, db, web, app, evil, dns or dNN."""

import argparse
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from lab import Lab  # noqa: E402  pylint: disable=wrong-import-position


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", default=os.environ.get("FOREGATE_LAB_TOOLS", "build/tests/lab/tools"),
                        help="folder of delayline and labprobe [$FOREGATE_LAB_TOOLS or %(default)s]")
    parser.add_argument("--run-dir", default="/var/tmp/foregate-lab", help="state and logs [%(default)s]")
    parser.add_argument("--desktops", type=int, default=12)
    parser.add_argument("--delay-ms", type=float, default=20.0, help="one way [%(default)s]")
    parser.add_argument("--rate", default="0", help="of the delay line, e.g. 100M; 0: no limit [%(default)s]")
    parser.add_argument("--prefix", default="fgl-", help="of the namespaces [%(default)s]")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "down", "status"):
        commands.add_parser(name)
    execute = commands.add_parser("exec")
    execute.add_argument("host")
    execute.add_argument("argv", nargs=argparse.REMAINDER)
    commands.add_parser("set").add_argument("settings", nargs="+", metavar="KEY=VALUE")
    commands.add_parser("kernel").add_argument("state", choices=("on", "off"))
    return parser.parse_args()


def main():
    arguments = read_arguments()
    lab = Lab(arguments.run_dir, arguments.tools, arguments.desktops, arguments.delay_ms, arguments.rate,
              arguments.prefix)
    if arguments.command == "up":
        begin = time.monotonic()
        lab.up()
        print(f"up after {time.monotonic() - begin:.1f} s")
    elif arguments.command == "down":
        lab.down()
    elif arguments.command == "status":
        left = lab.leftovers()
        print("\n".join(left) if left else "nothing is up")
        if left:
            print(json.dumps(lab.delay_line.get(), indent=1))
    elif arguments.command == "exec":
        command = lab.host(arguments.host).command(arguments.argv)
        os.execvp(command[0], command)
    elif arguments.command == "set":
        print(json.dumps(lab.delay_line.set(**dict(word.split("=", 1) for word in arguments.settings))["parameters"]))
    elif arguments.command == "kernel":
        lab.gateway_is_kernel(arguments.state == "on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
