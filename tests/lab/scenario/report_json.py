# SPDX-License-Identifier: BSD-3-Clause
"""out/report.json: every figure that was measured, every promise, and the setting it was measured in."""

import json


def value(findings):
    broken = findings.broken()
    return {"kept": len(findings.promises) - len(broken), "broken": len(broken), **findings.figures,
            "promises": findings.promises, "notes": findings.notes, "lab": findings.facts}


def write(findings, path):
    path.write_text(json.dumps(value(findings), indent=1) + "\n", encoding="utf-8")
