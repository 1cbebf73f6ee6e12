"""The PostgreSQL of the tests keeps what it committed, whatever way it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from dev.postgres import LocalPostgres


@pytest.mark.parametrize("end", ["stop", "terminate"])
def test_a_server_started_again_has_its_rows_and_address(
    postgres: LocalPostgres, database: str, end: str
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")

    getattr(postgres, end)()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database)
    postgres.start()

    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]


def test_a_connection_of_a_killed_server_is_cut(postgres: LocalPostgres, database: str) -> None:
    connection = psycopg.connect(database)

    postgres.stop()

    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()
    postgres.start()


def test_nobody_gets_in_without_the_password(postgres: LocalPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres.url, password="guess")
