# SPDX-License-Identifier: BSD-3-Clause
"""PostgreSQL of the lab: a private cluster, run as the user postgres, whose name can move to another address."""

import os
import pathlib
import shutil

from . import plan
from .namespaces import ip_batch, run
from .waiting import wait_for

AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]

SETTINGS = """
listen_addresses = '*'
port = 5432
max_connections = 200
authentication_timeout = 60s
shared_buffers = 32MB
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
ssl = off
log_connections = on
log_disconnections = on
log_line_prefix = '%m %r '
unix_socket_directories = '{socket}'
"""
ACCESS = """
local all all trust
host all all 127.0.0.1/32 trust
host all all 10.0.0.0/8 trust
host all all fd00::/8 trust
"""
CONTENT = """
create role lab login;
create table orders(id int primary key, customer text, amount numeric);
insert into orders select n, 'customer ' || n % 97, (n * 37 % 1000) / 10.0 from generate_series(1, 5000) n;
grant select on orders to lab;
"""


def newest_bin():
    """The folder of PostgreSQL's programs."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[4]))
    if not found:
        raise RuntimeError("PostgreSQL is not installed (no /usr/lib/postgresql/*/bin/postgres)")
    return found[-1].parent


class Database:
    """`prepare()` needs no network and may run beside the wiring; `start()` returns when queries are answered."""

    def __init__(self, host, directory, name_server):
        self._host = host
        self._wanted = pathlib.Path(directory)
        self._elsewhere = pathlib.Path("/var/lib") / f"{host.namespace}-postgres"
        self._directory = None
        self._name_server = name_server
        self._bin = newest_bin()
        self._place = 0
        self._process = None

    @property
    def address4(self):
        return plan.DATABASE_PLACES[self._place][0]

    @property
    def address6(self):
        return plan.DATABASE_PLACES[self._place][1]

    @property
    def process(self):
        return self._process

    def log(self):
        return self._process.errors()

    def prepare(self):
        """Makes the cluster, or takes the one of an earlier run."""
        self._directory = self._reachable_directory()
        data = self._directory / "data"
        if not (data / "lab-is-complete").exists():
            shutil.rmtree(data, ignore_errors=True)
            run([*AS_POSTGRES, self._bin / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync",
                 "-E", "UTF8", "--locale=C"], cwd=self._directory)
            (data / "pg_hba.conf").write_text(ACCESS, encoding="ascii")
            settings = SETTINGS.format(socket=self._directory)
            with open(data / "postgresql.conf", "a", encoding="ascii") as file:
                file.write(settings)
            for statements, database in (("create database lab", "postgres"), (CONTENT, "lab")):
                flat = " ".join(statements.split())
                run([*AS_POSTGRES, self._bin / "postgres", "--single", "-D", data, database],
                    input=flat.replace("; ", ";\n") + "\n", cwd=self._directory)
            (data / "lab-is-complete").touch()
        (data / "postmaster.pid").unlink(missing_ok=True)  # the lab's processes have all been ended before

    def start(self):
        self._process = self._host.popen(
            [*AS_POSTGRES, self._bin / "postgres", "-D", self._directory / "data"], cwd=self._directory)
        query = ["psql", "-h", "127.0.0.1", "-U", "lab", "-d", "lab", "-Atc", "select count(*) from orders"]
        wait_for(lambda: self._host.run(query, check=False).stdout.strip() == "5000", 20, "PostgreSQL to answer")

    def clear(self):
        """Removes what lies outside the run directory; the server has been ended before."""
        shutil.rmtree(self._elsewhere, ignore_errors=True)

    def move(self, remove_old=True):
        """Gives the database its other address, moves the name, and takes the old address away."""
        old, self._place = plan.DATABASE_PLACES[self._place], 1 - self._place
        new = plan.DATABASE_PLACES[self._place]
        self._address("replace", new)
        self._name_server.move("db.lab", *new)
        if remove_old:
            self._address("del", old)
        return new

    def _address(self, verb, place):
        ip_batch([f"addr {verb} {place[0]}/16 dev eth0", f"addr {verb} {place[1]}/64 dev eth0 nodad"]
                 if verb == "replace" else
                 [f"addr {verb} {place[0]}/16 dev eth0", f"addr {verb} {place[1]}/64 dev eth0"],
                 self._host.namespace)

    def _reachable_directory(self):
        """PostgreSQL refuses to run as root, and its user may not be able to enter the run directory."""
        self._wanted.mkdir(parents=True, exist_ok=True)
        shutil.chown(self._wanted, "postgres", "postgres")
        if run([*AS_POSTGRES, "test", "-w", self._wanted], check=False).returncode == 0:
            os.chmod(self._wanted, 0o700)
            return self._wanted
        self._elsewhere.mkdir(exist_ok=True)
        shutil.chown(self._elsewhere, "postgres", "postgres")
        return self._elsewhere
