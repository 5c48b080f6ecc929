# SPDX-License-Identifier: BSD-3-Clause
"""The gateway under test: started, asked by its own console, killed and started again; its events read from their file."""

import json
import pathlib
import shutil
import subprocess
import threading
import time

from lab import wait_for


class ConsoleError(Exception):
    """The console refused a command, or nobody answered."""


class Console:
    """`foregate console` in batch mode: one process, one line of JSON for each command. Any thread."""

    def __init__(self, foregate, socket):
        self._words = [str(foregate), "console", "--socket", str(socket), "--json"]
        self._process = None
        self._lock = threading.Lock()

    def __call__(self, command):
        with self._lock:
            process = self._process or self._start()
            try:
                process.stdin.write(command + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except OSError:
                line = ""
            if not line:
                raise ConsoleError(f"{command}: {self._end()}")
            return json.loads(line)

    def _start(self):
        self._process = subprocess.Popen(self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True)
        return self._process

    def _end(self):
        """Ends the process and returns what it complained about."""
        process, self._process = self._process, None
        if process is None:
            return ""
        try:
            process.stdin.close()
        except OSError:
            pass
        process.stdin = None  # communicate() would flush it
        try:
            complaint = process.communicate(timeout=5)[1]
        except (subprocess.TimeoutExpired, ValueError):
            process.kill()
            process.wait()
            return "no answer"
        return complaint.strip()

    def close(self):
        with self._lock:
            self._end()


class Gateway:
    """One gateway with one config; may be started several times."""

    def __init__(self, lab, foregate, directory, config_text):
        self.lab = lab
        self.directory = pathlib.Path(directory)
        self.foregate = foregate
        self.config = self.directory / "foregate.yaml"
        self.socket = self.directory / "run" / "console.sock"
        self.events_file = self.directory / "state" / "events.json"
        for folder in (self.directory, self.directory / "run", self.directory / "state"):
            folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(config_text, encoding="ascii")
        self.console = Console(foregate, self.socket)
        self.process = None

    def check(self):
        """`foregate check`: what it says; raises if the config is wrong."""
        done = subprocess.run([str(self.foregate), "check", "--config", str(self.config)], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(f"foregate check: {done.stdout}{done.stderr}")
        return done.stdout

    def usage(self, *words):
        """`foregate usage ...` with this config; its standard output."""
        done = subprocess.run([str(self.foregate), "usage", *map(str, words), "--config", str(self.config)],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"foregate usage {words[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, timeout=60):
        """Returns when the console answers; the seconds it took."""
        begin = time.monotonic()
        self.console.close()
        self.process = self.lab.gateway.popen([self.foregate, "run", "--config", self.config], name="foregate")
        wait_for(self._answers, timeout, "the gateway's console to answer", 0.05)
        return time.monotonic() - begin

    def _answers(self):
        if not self.process.alive():
            return True  # the next command says what is wrong
        return self.console("show status")

    def alive(self):
        return self.process is not None and self.process.alive()

    def failure(self):
        """The end of what it wrote, for a message."""
        log = self.directory / "gateway.log"
        text = log.read_text(errors="replace")[-1500:] if log.exists() else ""
        return (self.process.errors()[-1500:] if self.process else "") + text

    def stop(self):
        """SIGTERM; its exit status."""
        self.console.close()
        process, self.process = self.process, None
        if process is None:
            return None
        process.stop(patience=15)
        return process.popen.returncode

    def kill(self):
        """kill -9. The moment it was sent, in time.monotonic_ns()."""
        at = time.monotonic_ns()
        process, self.process = self.process, None
        process.kill()
        self.console.close()
        return at

    def events(self, kind=None):
        """Event lines so far, of one type or all."""
        if not self.events_file.exists():
            return []
        text = self.events_file.read_text(errors="replace")
        lines = [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]
        return [event for event in lines if kind is None or event.get("event_type") == kind]

    def clear(self):
        shutil.rmtree(self.directory / "state", ignore_errors=True)

    # --- what the console shows, by the words of the story ---

    def sessions(self):
        return {row["name"]: row for row in self.console("show sessions")}

    def held(self):
        return self.console("show held")

    def held_to(self, destination):
        """{desktop: [connections in any state]} to one destination, monitors left out."""
        found = {}
        for row in self.held()["connections"]:
            if row["destination"] == destination and row["purpose"] != "monitor":
                found.setdefault(row["desktop"], []).append(row)
        return found

    def held_totals(self):
        """Opened, used, ... of what was opened ahead for predicted destinations; monitors left out."""
        rows = [row for row in self.held()["destinations"] if row["purpose"] == "predicted"]
        return {word: sum(row[f"{word}_total"] for row in rows) for word in ("opened", "used", "expired", "failed")}

    def drops(self):
        return {row["reason"]: row["count"] for row in self.console("show drops")}

    def plan(self):
        return self.console("show plan")
