"""A database that is locked, full or gone: 503, nothing half-written, not ready, alive, back by itself.

Kafka is nowhere in these tests, so every event stays in the outbox and can be counted there.
"""

from __future__ import annotations

import resource
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest
from sqlalchemy import make_url, select, text

from eventconsumer_api.principal import ANYBODY
from eventconsumer_api.services.creation import creation, write
from eventconsumer_api.storage import schema, tables
from eventconsumer_api.storage.database import Database, DatabaseUnavailable, OutcomeUnknown
from tests.support.api_process import ApiProcess
from tests.support.eventually import eventually
from tests.support.small_disk import database_on_a_small_disk, fill, make_room, may_mount
from tests.support.task_api import TaskApi

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dev.postgres import LocalPostgres

TIMEOUT = "2"
# At the commit, when every statement has had its answer.
_BREAK_OFF = """
CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER break_off AFTER INSERT ON tasks DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION break_off()
"""


def an_api(folder: Path, url: str, **variables: str) -> ApiProcess:
    return ApiProcess(
        folder,
        bootstrap_servers="127.0.0.1:1",
        topic="task-events",
        DATABASE_URL=url,
        DATABASE_TIMEOUT_SECONDS=TIMEOUT,
        **variables,
    )


def post(api: ApiProcess, title: str = "Buy groceries") -> httpx2.Response:
    return httpx2.post(f"{api.url}/tasks", json={"title": title}, timeout=30)


def probe(api: ApiProcess, path: str) -> int:
    return httpx2.get(f"{api.url}/{path}", timeout=30).status_code


def assert_refused(api: ApiProcess) -> None:
    refused = post(api)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.headers["content-type"] == "application/problem+json"
    assert (probe(api, "readyz"), probe(api, "healthz")) == (503, 200)


def await_ready(api: ApiProcess) -> None:
    eventually("the API is ready", lambda: probe(api, "readyz") == 200, within=30)


def assert_whole_again(api: ApiProcess, url: str) -> None:
    await_ready(api)
    assert post(api).status_code == 201
    assert_each_task_has_its_event(url)


def assert_each_task_has_its_event(url: str) -> set[UUID]:
    database = Database(url)
    with database.read() as connection:
        written = connection.execute(select(tables.tasks.c.id)).scalars().all()
        told = connection.execute(select(tables.outbox.c.aggregateid)).scalars().all()
    database.close()
    assert sorted(written) == sorted(UUID(text) for text in told)
    return set(written)


class TestSqlite:
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/tasks.db"

    @pytest.fixture
    def api(self, tmp_path: Path, url: str) -> Iterator[ApiProcess]:
        with an_api(tmp_path, url) as api:
            yield api

    def test_locked_by_another_process(self, api: ApiProcess, url: str) -> None:
        assert post(api).status_code == 201
        other = sqlite3.connect(api.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert_refused(api)
        other.execute("ROLLBACK")
        other.close()
        assert_whole_again(api, url)

    def test_on_a_full_disk(self, api: ApiProcess, url: str) -> None:
        assert post(api).status_code == 201
        log = api.database.with_name("tasks.db-wal")
        unlimited = resource.prlimit(api.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(api.pid, resource.RLIMIT_FSIZE, (log.stat().st_size + 100_000, unlimited[1]))
        eventually("the disk is full", lambda: post(api).status_code == 503, within=30)
        assert_refused(api)
        resource.prlimit(api.pid, resource.RLIMIT_FSIZE, unlimited)
        assert_whole_again(api, url)

    def test_gone_and_come_back(self, api: ApiProcess, url: str, tmp_path: Path) -> None:
        assert post(api).status_code == 201
        away = tmp_path / "away"
        away.mkdir()
        files = list(tmp_path.glob("tasks.db*"))
        for file in files:
            file.rename(away / file.name)
        assert_refused(api)
        assert not api.database.exists()
        for file in files:
            (away / file.name).rename(file)
        assert_whole_again(api, url)

    def test_no_database(self, api: ApiProcess, url: str) -> None:
        assert post(api).status_code == 201
        kept = api.database.read_bytes()
        api.terminate()
        api.database.write_bytes(b"This is no database." * 1000)
        api.start()
        assert_refused(api)
        api.database.write_bytes(kept)
        assert_whole_again(api, url)


class TestPostgres:
    @pytest.fixture
    def api(self, tmp_path: Path, database: str) -> Iterator[ApiProcess]:
        with an_api(tmp_path, database) as api:
            await_ready(api)
            yield api

    def test_a_process_that_is_frozen_in_a_transaction_gives_back_what_it_locked(self, database: str) -> None:
        frozen, other = Database(database), Database(database, timeout_seconds=1)
        schema.migrate(frozen)
        lock = text("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")

        def locked() -> bool:
            with other.write() as connection:
                connection.execute(lock)
            return True

        def freeze() -> None:
            with frozen.write() as connection:
                connection.execute(lock)
                eventually("the other has it", locked, within=30)

        with pytest.raises(DatabaseUnavailable):
            freeze()
        frozen.close()
        other.close()

    def test_locked_by_another_session(self, api: ApiProcess, database: str) -> None:
        with psycopg.connect(database) as other:
            assert post(api).status_code == 201
            other.execute("LOCK TABLE tasks, outbox IN ACCESS EXCLUSIVE MODE")
            assert_refused(api)
            other.rollback()
            assert_whole_again(api, database)

    @pytest.mark.skipif(not may_mount(), reason="only root may mount a disk that is small enough")
    def test_on_a_full_disk(self, tmp_path: Path, postgres: LocalPostgres) -> None:
        postgres.start()
        with database_on_a_small_disk(postgres) as url, an_api(tmp_path, url) as api:
            await_ready(api)
            assert post(api).status_code == 201
            fill(url)
            eventually("no page takes another task", lambda: post(api).status_code == 503, within=30)
            assert_refused(api)
            make_room(url)
            assert_whole_again(api, url)

    def test_killed_under_load(self, api: ApiProcess, database: str, postgres: LocalPostgres) -> None:
        client = TaskApi(api.url)
        before = client.post_tasks(f"Task {number}" for number in range(50))
        postgres.stop()
        during = client.post_tasks(f"Task {number}" for number in range(16))
        assert {status for status, _ in during} == {503}
        assert_refused(api)
        postgres.start()
        assert_whole_again(api, database)
        client.close()
        promised = {UUID(task) for status, task in before if status == 201}
        assert len(promised) == 50
        assert promised <= assert_each_task_has_its_event(database)

    def test_shut_down_in_order_and_started_again(
        self, api: ApiProcess, database: str, postgres: LocalPostgres
    ) -> None:
        assert post(api).status_code == 201
        postgres.terminate()
        postgres.start()
        assert post(api).status_code == 201
        assert_whole_again(api, database)

    def test_a_server_that_starts_after_the_api(
        self, tmp_path: Path, database: str, postgres: LocalPostgres
    ) -> None:
        postgres.stop()
        with an_api(tmp_path, database) as api:
            assert_refused(api)
            postgres.start()
            assert_whole_again(api, database)
            assert str(make_url(database).password) not in api.log()

    def test_a_connection_that_breaks_in_a_commit_leaves_the_outcome_unknown(self, database: str) -> None:
        with closing(Database(database)) as ours:
            schema.migrate(ours)
            with ours.write() as connection:
                connection.execute(text(_BREAK_OFF))
            with pytest.raises(OutcomeUnknown), ours.write() as connection:
                write(connection, [creation(ANYBODY, title="x", owner_id=None, correlation_id=uuid4())])

    def test_all_connections_of_the_server_in_use(
        self, api: ApiProcess, database: str, postgres: LocalPostgres
    ) -> None:
        assert post(api).status_code == 201
        with all_connections(postgres.url, database.rpartition("/")[2]):
            assert_refused(api)
        assert_whole_again(api, database)


@contextmanager
def all_connections(url: str, besides: str) -> Iterator[None]:
    """Take every connection of the server, those to the database ``besides`` too."""
    end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
    taken = [psycopg.connect(url, autocommit=True)]
    try:
        taken[0].execute(end, (besides,))
        while True:
            taken.append(psycopg.connect(url))
    except psycopg.OperationalError:
        yield
    finally:
        for connection in taken:
            connection.close()


def test_waiting_for_a_migration_by_somebody_else(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/tasks.db"
    with an_api(tmp_path, url, DATABASE_MIGRATIONS="check") as api:
        assert_refused(api)
        assert not api.database.exists()
        database = Database(url)
        schema.migrate(database)
        database.close()
        assert_whole_again(api, url)
