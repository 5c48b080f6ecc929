# SPDX-License-Identifier: BSD-3-Clause
"""Part 7: what was recorded, and that nothing of it joins a desktop with a destination."""

import re
import sqlite3

FEW = "files.lab:80"  # a destination that only two desktops use, in a bucket that many others use too
FEW_DESKTOPS = (1, 2)
MANY = "web.lab:443"


def use(story):
    """Before the bucket ends: two desktops use one destination, all use another."""
    host, port = FEW.split(":")
    for number in FEW_DESKTOPS:
        story.lab.desktop(number).run(["curl", "-sf", "--max-time", "10", "-o", "/dev/null", f"http://{host}:{port}/"])
    list(story.parallel.map(lambda d: d.run(["curl", "-sfk", "--max-time", "10", "-o", "/dev/null", "https://web.lab/"]),
                            story.lab.desktops))


def identities(story):
    """What would give a desktop away: its names and addresses."""
    words = []
    for desktop in story.lab.desktops:
        place = desktop.place
        words += [rf"\b{place.name}\b", rf"\b{re.escape(place.secondary4)}\b", rf"{re.escape(place.secondary6)}\b"]
    return re.compile("|".join(words))


def store_text(story):
    """Every text and number of the usage database."""
    text = []
    for path in sorted((story.gateway.directory / "state").glob("*.db")):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
                for row in database.execute(f'select * from "{table}"'):
                    text.append(" ".join(map(str, row)))
    return "\n".join(text)


def metrics_text(story, port):
    """The metrics as Prometheus would get them; asked inside the gateway's namespace."""
    done = story.lab.gateway.run(["curl", "-sf", f"http://127.0.0.1:{port}/metrics"], check=False)
    return done.stdout if done.returncode == 0 else ""


def plain_telnet(story, port=2323):
    """A person's telnet: what `show sessions` and a changing command answer there."""
    script = (f"import socket,time\ns=socket.create_connection(('127.0.0.1',{port}),5)\ns.settimeout(1)\n"
              "for line in ('show status','session logout d01','quit'):\n"
              "    s.sendall(line.encode()+b'\\r\\n'); time.sleep(0.6)\n"
              "out=b''\n"
              "try:\n"
              "    while True:\n"
              "        more=s.recv(65536)\n"
              "        if not more: break\n"
              "        out+=more\n"
              "except OSError: pass\n"
              "print(out.decode('latin1'))\n")
    return story.lab.gateway.run(["python3", "-c", script], check=False).stdout


def report(story, since):
    """After the bucket with the use() has been written; `since` is its start as text. Export and console must agree."""
    findings = story.findings
    csv = story.gateway.usage("export", "--from", since)
    rows = [line.split(",") for line in csv.strip().splitlines()[1:]]
    named = {row[3]: int(row[4]) for row in rows if row[3]}
    findings.figure("usage_rows_recorded", len(rows))
    findings.promise(7, f"new usage is recorded ({MANY}, used by all, is there by name)",
                     f"{len(rows)} rows since {since}; {MANY}: {named.get(MANY, 0)} desktops of a class", MANY in named)
    found = [row for row in rows if row[3] == FEW] or FEW in store_text(story)
    findings.promise(7, f"{FEW}, used by {len(FEW_DESKTOPS)} desktops only, does not appear by name in the store",
                     "not there" if not found else "it does", not found)
    metrics = metrics_text(story, 9750)
    guilty = [name for name, text in (("store", store_text(story)), ("export", csv), ("metrics", metrics))
              if identities(story).search(text)]
    findings.promise(7, "no desktop's name or address in store, export and metrics",
                     f"searched: store, export ({len(csv)} characters), metrics ({len(metrics)} characters)"
                     + (f"; found in {guilty}" if guilty else ""), not guilty and metrics)
    shown = {"show usage": story.gateway.console("show usage 3")["records"],
             "show forecast": story.gateway.console("show forecast"), "show plan": story.gateway.plan()["allotments"],
             "show destinations": story.gateway.console("show destinations")}
    findings.promise(7, "the console shows all of it", ", ".join(f"{k}: {len(v)} rows" for k, v in shown.items()),
                     all(shown.values()))
    telnet = plain_telnet(story)
    still = story.gateway.sessions()["d01"]["state"]
    findings.promise(7, "plain telnet shows, and changes nothing without a token",
                     f"{len(telnet)} characters; d01 after `session logout d01` there: {still}",
                     "d01" not in telnet.split("quit")[-1] and len(telnet) > 100 and still == "active")
