"""PostgreSQL without a cluster: one real server on this machine, for tests and benchmarks.

The server keeps its data, its port and its password for as long as the object lives, so a test may kill it
and start it again as a machine would. It is the distribution's program, started by us: no service of the
system is touched. PostgreSQL refuses to run as root, so root starts it as the user that its package brings.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from typing_extensions import override

from dev import system
from dev.server import LocalServer, free_ports

if TYPE_CHECKING:
    import subprocess

_START_SECONDS = 60.0
_OWNER = "postgres"


class LocalPostgres(LocalServer):
    """A PostgreSQL server on 127.0.0.1 with its data in a temporary folder."""

    def __init__(self, *, also_on: str | None = None, **settings: str) -> None:
        """Keep ``settings`` for every start of the server; nothing runs yet.

        ``also_on`` is another address of this machine, on which those of its network may come in as well.
        """
        super().__init__("postgres")
        self._addresses = ["127.0.0.1", *([also_on] if also_on else [])]
        self._own_settings = settings
        (self._port,) = free_ports(1)
        self._password = secrets.token_urlsafe(16)
        self._user = _owner()

    @property
    def url(self) -> str:
        """The address of the server's first database, with user and password, the same after every start."""
        return self._url("postgres")

    def create_database(self, name: str) -> str:
        """Create a database of that name and return its address."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        return self._url(name)

    @override
    def start(self) -> None:
        """Start the server on the data it has, and return once it answers; do nothing where it runs."""
        if self._process is not None:
            return
        system.need("postgres")
        if not self._data.exists():
            self._create_data()
        deadline = time.monotonic() + _START_SECONDS
        while not self._started(deadline):
            # What a killed server left in memory is still held by its last processes, which are about to end.
            if time.monotonic() > deadline:
                raise self._did_not_start("PostgreSQL did not start")
            time.sleep(0.1)

    @override
    def stop(self) -> None:
        """End the server as a power cut does (SIGKILL), with all its processes."""
        if self._process is not None:
            for number in _children(self._process.pid):
                _kill(number)
        super().stop()

    def terminate(self) -> None:
        """Let the server shut down in order, ending its connections (SIGINT)."""
        self._end(signal.SIGINT)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _url(self, database: str) -> str:
        return f"postgresql://{_OWNER}:{self._password}@127.0.0.1:{self._port}/{database}"

    def _create_data(self) -> None:
        password = self._folder / "password"
        password.write_text(self._password)
        if self._user is not None:
            for path in (self._folder, password):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
        fresh = self._folder / "new"
        shutil.rmtree(fresh, ignore_errors=True)
        words = [f"--pgdata={fresh}", f"--username={_OWNER}", f"--pwfile={password}"]
        process = self._run_program("initdb", *words, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
        if process.wait() != 0:
            raise self._did_not_start("PostgreSQL's data could not be made")
        password.unlink()
        with (fresh / "pg_hba.conf").open("a") as callers:
            callers.write("host all all samenet scram-sha-256\n")
        fresh.rename(self._data)

    def _started(self, deadline: float) -> bool:
        settings = {
            "listen_addresses": ",".join(self._addresses),
            "port": str(self._port),
            "unix_socket_directories": "",
            "max_connections": "50",
            **self._own_settings,
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._process = self._run_program("postgres", "-D", str(self._data), *words)
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        self.stop()
        return False

    def _run_program(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        path = system.find(program)
        if path is None:
            raise RuntimeError(f"PostgreSQL's program {program} is missing")
        user, group = (self._user.pw_uid, self._user.pw_gid) if self._user else (None, None)
        return self._run([path, *words], folder=Path("/"), user=user, group=group)


def _owner() -> pwd.struct_passwd | None:
    """Return the user that has to run the server, or None where it is ourselves."""
    if os.geteuid() != 0:
        return None
    system.need("postgres")
    return pwd.getpwnam(_OWNER)


def _children(process: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
