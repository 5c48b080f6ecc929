# SPDX-License-Identifier: BSD-3-Clause
"""A client of DPDK's telemetry socket (doc.dpdk.org, "DPDK Telemetry User Guide"): a greeting, then one JSON object a question."""

import json
import os
import pathlib
import socket


def socket_path(file_prefix):
    """As dpdk-telemetry.py finds it."""
    base = os.environ.get("RUNTIME_DIRECTORY", "/var/run").split(":")[0]
    return pathlib.Path(base) / "dpdk" / file_prefix / "dpdk_telemetry.v2"


def ask(file_prefix, *questions):
    """The answers, each under its question's own name."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(10)
        client.connect(str(socket_path(file_prefix)))
        greeting = json.loads(client.recv(4096))
        room = int(greeting["max_output_len"])
        answers = {}
        for question in questions:
            client.send(question.encode())
            answers.update(json.loads(client.recv(room)))
        return greeting, answers
