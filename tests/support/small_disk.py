"""A PostgreSQL database on a disk of its own that is small enough to be filled."""

from __future__ import annotations

import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.postgres import LocalPostgres

# https://man7.org/linux/man-pages/man7/capabilities.7.html
_CAP_SYS_ADMIN = 21
_SIZE = "24m"  # An empty database takes eight.
_A_PAGE = "INSERT INTO filler SELECT repeat('x', 7000) FROM generate_series(1, %s)"


def may_mount() -> bool:
    """Tell whether this process may mount a disk, as root may outside of containers."""
    status = Path("/proc/self/status").read_text().splitlines()
    [effective] = (line.split()[1] for line in status if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> _CAP_SYS_ADMIN & 1)


@contextmanager
def database_on_a_small_disk(postgres: LocalPostgres) -> Iterator[str]:
    """Mount a disk and return the address of a database on it."""
    plain = f"small_{uuid.uuid4().hex[:12]}"
    name = sql.Identifier(plain)
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(postgres.url, autocommit=True) as server:
        [(data,)] = server.execute("SHOW data_directory").fetchall()
        options = f"size={_SIZE},mode=0700,uid={Path(data).stat().st_uid}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "small", folder], check=True)
        try:
            server.execute(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(name, sql.Literal(folder)))
            server.execute(sql.SQL("CREATE DATABASE {} TABLESPACE {}").format(name, name))
            yield f"{postgres.url.rpartition('/')[0]}/{plain}"
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
            server.execute(sql.SQL("DROP TABLESPACE {}").format(name))
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def fill(url: str) -> None:
    """Fill the disk that a database is on, to the last page."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE filler (page text)")
        connection.execute("ALTER TABLE filler ALTER COLUMN page SET STORAGE PLAIN")
        for pages in (100, 10, 1):
            try:
                while True:
                    connection.execute(_A_PAGE, (pages,))
            except psycopg.errors.DiskFull:
                continue


def make_room(url: str) -> None:
    """Give back what filled it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE filler")
