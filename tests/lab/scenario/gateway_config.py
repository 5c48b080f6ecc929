# SPDX-License-Identifier: BSD-3-Clause
"""The config of one run: conf/lab.yaml with this run's folders, clock and rates put in, everything else as it stands."""

import re


def set_key(text, section, key, value):
    """Sets `key` in a top-level section of two-blank indentation; a section that is not there is added."""
    head = re.search(rf"^{section}:[ \t]*(#.*)?\n", text, re.M)
    if not head:
        return f"{text.rstrip()}\n\n{section}:\n  {key}: {value}\n"
    end = re.compile(r"^\S", re.M).search(text, head.end())
    stop = end.start() if end else len(text)
    body, found = re.subn(rf"^  {key}:.*$", lambda _: f"  {key}: {value}", text[head.end():stop], flags=re.M)
    if not found:
        body = f"  {key}: {value}\n{body}"
    return text[:head.end()] + body + text[stop:]


def replaced(text, pattern, by, what):
    """re.sub that insists on having found something: a config that changed its looks must not pass unnoticed."""
    result, found = re.subn(pattern, by, text, flags=re.M)
    if not found:
        raise ValueError(f"the lab's config has no {what}")
    return result


def without_primaries(text):
    """Drops both primary ports: their kernel bridge carries them."""
    return replaced(text, r"^  - name: primary-\w+\n(?:    .*\n)+", "", "primary ports")


def make(template, directory, clock_start, rate_mbps, feed, drive="xdp", idle=None):
    """The text. `drive`: xdp or packet; `idle`: {class: timeout}."""
    text = template.read_text(encoding="ascii")
    for section, key, value in (
            ("system", "run-dir", directory / "run"), ("system", "state-dir", directory / "state"),
            ("console", "socket", directory / "run" / "console.sock"),
            ("analytics", "clock-start", clock_start.strftime("%Y-%m-%d %H:%M:%S")),
            ("log", "file", directory / "gateway.log"), ("log", "level", "info")):
        text = set_key(text, section, key, value)
    text = replaced(text, r"^    rate: \S+", f"    rate: {rate_mbps}Mbit/s", "port rates")
    text = replaced(text, r"^(      path:) .*$", rf"\1 {feed}", "threat feed")
    for name, timeout in (idle or {}).items():
        text = replaced(text, rf"^  - name: {name}\n", f"  - name: {name}\n    idle-timeout: {timeout}\n", f"class {name}")
    if drive == "packet":
        text = without_primaries(text)
        text = replaced(text, r"net_af_xdp(\d+),iface=", r"net_af_packet\1,iface=", "AF_XDP ports")
    return text
