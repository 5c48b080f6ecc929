# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces: making, describing and removing them, and running programs inside."""

import json
import os
import pathlib
import shlex
import subprocess

from .processes import end_group, start_time
from .waiting import wait_for

NAMED = pathlib.Path("/run/netns")
RESOLVER_FILES = pathlib.Path("/etc/netns")


def run(argv, check=True, timeout=60, **options):
    """subprocess.run with text output; the error message has what the program said."""
    words = [str(word) for word in argv]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=timeout, **options)
    if check and done.returncode != 0:
        command = shlex.join(words)
        command = command if len(command) <= 200 else command[:200] + "..."
        raise RuntimeError(f"{command}: exit {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done


def ip_batch(lines, namespace=None):
    """Feeds `lines` to one `ip -batch`."""
    where = ["-n", namespace] if namespace else []
    run(["ip", *where, "-batch", "-"], input="\n".join(lines) + "\n")


def existing(prefix):
    return sorted(entry.name for entry in NAMED.glob(prefix + "*")) if NAMED.is_dir() else []


def make(names):
    ip_batch([f"netns add {name}" for name in names])


def processes_in(name):
    done = run(["ip", "netns", "pids", name], check=False)
    return [int(word) for word in done.stdout.split()] if done.returncode == 0 else []


def remove(prefix):
    """Removes all namespaces of this prefix with every process that is still inside one of them."""
    names = existing(prefix)
    for name in names:
        for pid in processes_in(name):
            # Its own group only if it leads one: a shell of the lab's user that merely visits must not take others along.
            try:
                if os.getpgid(pid) == pid and pid != os.getpid():
                    end_group(pid)
                elif start_time(pid) and pid != os.getpid():
                    os.kill(pid, 9)
            except ProcessLookupError:
                continue
    for name in names:
        run(["ip", "netns", "del", name], check=False)
        folder = RESOLVER_FILES / name
        (folder / "resolv.conf").unlink(missing_ok=True)
        if folder.is_dir():
            folder.rmdir()
    for folder in RESOLVER_FILES.glob(prefix + "*") if RESOLVER_FILES.is_dir() else []:
        (folder / "resolv.conf").unlink(missing_ok=True)
        folder.rmdir()
    wait_for(lambda: not existing(prefix), 10, f"namespaces {prefix}* to be gone")


def set_resolver(name, servers):
    """Programs in namespace `name` ask these DNS servers."""
    folder = RESOLVER_FILES / name
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(f"nameserver {server}\n" for server in servers) + "options timeout:2 attempts:3\n"
    (folder / "resolv.conf").write_text(text, encoding="ascii")


class Host:
    """A host of the lab: a namespace with a short name."""

    def __init__(self, store, prefix, name):
        self._store = store
        self.name = name
        self.namespace = prefix + name

    def command(self, argv):
        return ["ip", "netns", "exec", self.namespace, *[str(word) for word in argv]]

    def run(self, argv, check=True, timeout=60, **options):
        """Runs a program to its end; a CompletedProcess with text in stdout and stderr."""
        return run(self.command(argv), check=check, timeout=timeout, **options)

    def json(self, argv, check=True, timeout=60):
        """The same for a program that prints one JSON object on its last line."""
        done = self.run(argv, check=check, timeout=timeout)
        lines = done.stdout.strip().splitlines()
        if not lines:
            raise RuntimeError(f"{self.name}: {shlex.join(map(str, argv))}: no output: {done.stderr.strip()}")
        return json.loads(lines[-1])

    def popen(self, argv, name=None, **options):
        """Starts a program in the background (a processes.Process, ended by Lab.down at the latest)."""
        label = name or pathlib.Path(str(argv[0])).name
        return self._store.start(f"{self.name}.{label}", self.command(argv), **options)

    def neighbours_forgotten(self):
        """Empties the ARP and ND caches, as after a change of the other side's MAC."""
        ip_batch(["neigh flush all"], self.namespace)

    def __repr__(self):
        return f"<Host {self.namespace}>"
