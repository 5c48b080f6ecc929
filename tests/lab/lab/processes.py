# SPDX-License-Identifier: BSD-3-Clause
"""Processes of the lab: each in a session of its own, each with a pid file, so that a later run can end what a crashed
one left behind, and only that (the pid file holds the start time; a pid used again by somebody else is left alone)."""

import os
import pathlib
import shutil
import signal
import subprocess
import threading

from .waiting import WaitTimeout, wait_for


def start_time(pid):
    """The kernel's start time of a process in clock ticks, None when it is gone or a zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = stat.rsplit(")", 1)[1].split()
    return None if fields[0] in "ZX" else fields[19]


def group_alive(pgid):
    """Whether a process group still has a member that is not a zombie."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                stat = pathlib.Path(f"/proc/{entry.name}/stat").read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            fields = stat.rsplit(")", 1)[1].split()
            if fields[2] == str(pgid) and fields[0] not in "ZX":
                return True
    return False


def end_group(pgid, first=signal.SIGTERM, patience=5.0, reap=lambda: None):
    """Ends a process group: first the polite signal, then SIGKILL. Returns when it is gone."""

    def gone():
        reap()
        return not group_alive(pgid)

    for number, timeout in ((first, patience), (signal.SIGKILL, 10.0)):
        try:
            os.killpg(pgid, number)
        except ProcessLookupError:
            return
        try:
            wait_for(gone, timeout, f"end of process group {pgid}", 0.01)
            return
        except WaitTimeout:
            continue


class Process:
    """A background process of the lab. Its output is in files under the run directory's logs/."""

    def __init__(self, store, name, argv, **popen_options):
        self.name = name
        self._store = store
        self.stdout_path = store.logs / f"{name}.out"
        self.stderr_path = store.logs / f"{name}.err"
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            popen_options.setdefault("stdin", subprocess.DEVNULL)
            self.popen = subprocess.Popen(argv, stdout=out, stderr=err, start_new_session=True, **popen_options)
        self.pid = self.popen.pid
        self._pid_file = store.directory / f"{name}.pid"
        self._pid_file.write_text(f"{self.pid} {start_time(self.pid)}\n", encoding="ascii")

    def alive(self):
        return self.popen.poll() is None

    def output(self):
        return self.stdout_path.read_text(errors="replace")

    def errors(self):
        return self.stderr_path.read_text(errors="replace")

    def send_signal(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def wait(self, timeout):
        code = self.popen.wait(timeout)
        self._store.forget(self)
        return code

    def stop(self, first=signal.SIGTERM, patience=5.0):
        """Ends it and everything it started; returns its standard output."""
        end_group(self.pid, first, patience, reap=self.popen.poll)
        self.popen.wait()
        self._store.forget(self)
        return self.output()

    def kill(self):
        """kill -9, at once."""
        return self.stop(signal.SIGKILL)

    def wait_ready(self, text, timeout=10.0):
        """Waits until the process has written `text` to its standard error; raises if it ends before."""

        def ready():
            if text in self.errors():
                return True
            if not self.alive():
                raise RuntimeError(f"{self.name} ended with {self.popen.returncode}: {self.errors()[-2000:]}")
            return False

        try:
            wait_for(ready, timeout, f"{self.name} to say '{text}'")
        except WaitTimeout as timeout_error:
            raise RuntimeError(f"{timeout_error}; it wrote: {self.errors()[-2000:]}") from None
        return self


class ProcessStore:
    """All running processes of one lab: pid files in `directory`, which must be the same in every run; what they write
    goes to `logs`."""

    def __init__(self, directory, logs):
        self.directory = pathlib.Path(directory)
        self.logs = pathlib.Path(logs)
        self._lock = threading.Lock()
        self._running = {}
        self._numbers = {}

    def start(self, name, argv, **popen_options):
        """`name` gets a number behind it when it was used before."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        with self._lock:
            number = self._numbers[name] = self._numbers.get(name, 0) + 1
            unique = name if number == 1 else f"{name}.{number}"
        process = Process(self, unique, [str(word) for word in argv], **popen_options)
        with self._lock:
            self._running[unique] = process
        return process

    def forget(self, process):
        with self._lock:
            self._running.pop(process.name, None)
        (self.directory / f"{process.name}.pid").unlink(missing_ok=True)

    def running(self):
        with self._lock:
            return list(self._running.values())

    def stop_all(self):
        """Ends what this object started, the newest first, then whatever pid files of an earlier run name."""
        for process in reversed(self.running()):
            process.stop()
        for pid_file in self.directory.glob("*.pid") if self.directory.is_dir() else []:
            words = pid_file.read_text(encoding="ascii").split()
            if len(words) == 2 and words[0].isdigit() and start_time(int(words[0])) == words[1]:
                end_group(int(words[0]))
            pid_file.unlink(missing_ok=True)
        shutil.rmtree(self.directory, ignore_errors=True)
