"""How many queries a second the API asks while nobody posts; counted once, it is the same each time.

PostgreSQL counts by itself (pg_stat_statements); for SQLite, the program counts what SQLAlchemy executes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg

from bench.api.programs import OURS
from bench.api.stage import POSTGRES, SQLITE, Program

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.api.stage import Stage
    from bench.samples import Samples
    from bench.table import Row

_SECONDS = 8.0
_ENOUGH = 10


def play(stage: Stage, samples: Samples) -> None:
    """Let both be idle for a while, at the same time."""
    if samples.all(_name(SQLITE)):
        return
    postgres, sqlite = stage.place(POSTGRES), stage.place(SQLITE)
    counted = stage.folder / "queries"
    counting = Program(
        "bench.programs.counted_api", SQLITE, OURS[SQLITE].environment | {"COUNTED": str(counted)}
    )
    with (
        psycopg.connect(stage.postgres.url, autocommit=True) as connection,
        stage.serving(OURS[POSTGRES], postgres),
        stage.serving(counting, sqlite),
    ):
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        samples_of: dict[str, Callable[[], int]] = {
            POSTGRES: lambda: _calls(connection, postgres.topic),
            SQLITE: lambda: counted.stat().st_size,
        }
        before = {database: count() for database, count in samples_of.items()}
        time.sleep(_SECONDS)
        for database, count in samples_of.items():
            samples.note(_name(database), (count() - before[database]) / _SECONDS)


def rows(samples: Samples) -> list[Row]:
    """Say what was found."""
    found = {database: samples.median(_name(database)) for database in (SQLITE, POSTGRES)}
    return [
        samples.row(
            f"idle, {database}", rate, "queries/s", baseline=None, goal=f"<= {_ENOUGH}", met=rate <= _ENOUGH
        )
        for database, rate in found.items()
    ]


def _name(database: str) -> str:
    return f"idle {database} queries/s"


def _calls(connection: psycopg.Connection, database: str) -> int:
    [row] = connection.execute(
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
        " WHERE d.datname = %s",
        [database],
    )
    return int(row[0])
