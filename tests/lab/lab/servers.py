# SPDX-License-Identifier: BSD-3-Clause
"""The servers behind the delay line: DNS, web, and the plain TCP servers. The database has a file of its own."""

import pathlib
import signal

from . import plan
from .namespaces import run
from .waiting import wait_for

LARGE_FILE_BYTES = 256 << 20
DNS_TTL_SECONDS = 5


class NameServer:
    """dnsmasq with the lab's names from one hosts file; a change is a rewrite and a SIGHUP."""

    def __init__(self, host, directory, names):
        self._host = host
        self._directory = pathlib.Path(directory)
        self._hosts = self._directory / "names"
        self.log = self._directory / "queries.log"
        self.names = dict(names)
        self._process = None

    def start(self):
        self._directory.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        self._write()
        self._process = self._host.popen(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--no-poll",
             f"--addn-hosts={self._hosts}", f"--local-ttl={DNS_TTL_SECONDS}", "--local=/lab/", "--cache-size=0",
             "--user=root", "--pid-file=", "--log-queries=extra", f"--log-facility={self.log}"])
        wait_for(lambda: self._answers("dns.lab"), 10, "the DNS server to answer")

    def move(self, name, address4, address6):
        """From now on `name` means these addresses; returns when the server says so."""
        self.names[name] = (address4, address6)
        self._write()
        self._process.send_signal(signal.SIGHUP)
        wait_for(lambda: self._answers(name), 10, f"the DNS server to know the move of {name}")

    def queries(self):
        """Lines of the server's log about questions: who asked for what."""
        return [line for line in self.log.read_text(errors="replace").splitlines() if " query[" in line]

    def _write(self):
        lines = [f"{address} {name}\n" for name, addresses in self.names.items() for address in addresses if address]
        self._hosts.write_text("".join(lines), encoding="ascii")

    def _answers(self, name):
        found = self._host.run(["getent", "ahostsv4", name], check=False).stdout.split()
        return bool(found) and found[0] == self.names[name][0]


NGINX_CONF = """
daemon off;
user root;
worker_processes 1;
pid {d}/nginx.pid;
error_log {d}/error.log;
events {{ worker_connections 1024; }}
http {{
    types {{ text/html html; text/plain txt; }}
    default_type application/octet-stream;
    log_format lab '$msec $remote_addr $scheme $host "$request" $status $body_bytes_sent sni=$ssl_server_name';
    access_log {d}/access.log lab;
    client_body_temp_path {d}/tmp;
    proxy_temp_path {d}/tmp;
    fastcgi_temp_path {d}/tmp;
    uwsgi_temp_path {d}/tmp;
    scgi_temp_path {d}/tmp;
    sendfile on;
    keepalive_timeout 65s;
    server {{
        listen 80 default_server;
        listen [::]:80 default_server;
        listen 443 ssl default_server;
        listen [::]:443 ssl default_server;
        ssl_certificate {d}/cert.pem;
        ssl_certificate_key {d}/key.pem;
        root {d}/pages;
    }}
}}
"""


class WebServer:
    """nginx: a small page, and /large.bin of 256 MiB; HTTP and TLS, IPv4 and IPv6."""

    def __init__(self, host, directory, names):
        self._host = host
        self._directory = pathlib.Path(directory)
        self._names = names
        self.access_log = self._directory / "access.log"

    def prepare(self):
        """Files and certificate; needs no network."""
        pages = self._directory / "pages"
        pages.mkdir(parents=True, exist_ok=True)
        (self._directory / "tmp").mkdir(exist_ok=True)
        (pages / "index.html").write_text("<!doctype html><title>lab</title><p>foregate lab\n", encoding="ascii")
        with open(pages / "large.bin", "wb") as file:
            file.truncate(LARGE_FILE_BYTES)
        (self._directory / "nginx.conf").write_text(NGINX_CONF.format(d=self._directory), encoding="ascii")
        if not (self._directory / "cert.pem").exists():
            alternatives = ",".join(f"DNS:{name}" for name in self._names)
            run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-days", "3650", "-subj", "/CN=web.lab", "-addext", f"subjectAltName={alternatives}",
                 "-keyout", self._directory / "key.pem", "-out", self._directory / "cert.pem"])

    def start(self):
        self.access_log.unlink(missing_ok=True)
        self._host.popen(["nginx", "-e", self._directory / "error.log", "-c", self._directory / "nginx.conf"])
        wait_for(lambda: self._host.run(["curl", "-sfk", "https://127.0.0.1/"], check=False).returncode == 0,
                 10, "nginx to answer")


class PlainServers:
    """labprobe servers: the application host and the host that plays the malicious one, with its packet counter."""

    def __init__(self, app, evil, labprobe, directory):
        self._app = app
        self._evil = evil
        self._labprobe = labprobe
        self._counts = pathlib.Path(directory) / "evil-packets.json"
        self._counter = None

    @property
    def counts_path(self):
        return self._counts

    @property
    def counter(self):
        return self._counter

    def start(self):
        self._counts.parent.mkdir(parents=True, exist_ok=True)
        self._counts.unlink(missing_ok=True)
        ports = ",".join(map(str, (plan.APP_PORT, plan.BULK_PORT, plan.REPORT_PORT)))
        evil_ports = ",".join(map(str, plan.EVIL_PORTS))
        app = self._app.popen([self._labprobe, "serve", "--ports", ports], name="serve")
        evil = self._evil.popen([self._labprobe, "serve", "--ports", evil_ports], name="serve")
        self._counter = self._evil.popen(
            [self._labprobe, "count", "--interface", "eth0", "--out", self._counts], name="count")
        app.wait_ready("ready")
        evil.wait_ready("ready")
        wait_for(self._counts.exists, 5, "the packet counter to run")
