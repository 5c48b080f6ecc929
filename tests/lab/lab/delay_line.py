# SPDX-License-Identifier: BSD-3-Clause
"""The delay line between the gateway's upstream port and the servers: started, changed and read while it runs."""

import json
import pathlib
import socket


class DelayLine:
    """`up` is from the gateway to the servers, `down` the way back."""

    def __init__(self, host, program, statistics_path):
        self._host = host
        self._program = program
        self._statistics = pathlib.Path(statistics_path)
        self._control = f"/run/{host.namespace}-delayline.sock"  # a unix socket's path must be short
        self.process = None

    def start(self, delay_ms, rate=0, queue_ms=100, loss=0.0, reorder=0.0, seed=1):
        self.process = self._host.popen(
            [self._program, "--near", "near", "--far", "far", "--delay-ms", delay_ms, "--rate", rate, "--queue-ms",
             queue_ms, "--loss", loss, "--reorder", reorder, "--seed", seed, "--control", self._control,
             "--stats", self._statistics, "--fifo"], name="delayline")
        self.process.wait_ready("ready")

    def set(self, **settings):
        """Keys as in the tool's orders with underscores; `up_` or `down_` in front for one direction:
        set(rate="100M", down_loss=0.01, up_queue_ms=50, cut=0). Returns the whole state."""
        words = []
        for key, value in settings.items():
            direction, dot, rest = "", "", key
            for name in ("up", "down"):
                if key.startswith(name + "_"):
                    direction, dot, rest = name, ".", key[len(name) + 1:]
            words.append(f"{direction}{dot}{rest.replace('_', '-')}={int(value) if value is True else value}")
        return self._order("set " + " ".join(words))

    def get(self):
        return self._order("get")

    def reset_statistics(self):
        return self._order("reset")

    def statistics(self):
        """{"up": {...}, "down": {...}} since the start or the last reset."""
        return self.get()["statistics"]

    def _order(self, text):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.settimeout(5)
            client.connect(self._control)
            client.send(text.encode())
            answer = json.loads(client.recv(65536))
        if "error" in answer:
            raise ValueError(f"delay line: {answer['error']}")
        return answer
