"""New tasks share commits and nothing else: tested on a real SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from typing_extensions import override

from eventconsumer_api.models import TaskFilter
from eventconsumer_api.principal import ANYBODY
from eventconsumer_api.services.creation import Creation, creation
from eventconsumer_api.services.group_commit import GroupCommit
from eventconsumer_api.storage import outbox, schema, tasks
from eventconsumer_api.storage.database import Database, DatabaseUnavailable, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection


@pytest.fixture
def commits() -> list[str]:
    return []


@pytest.fixture
def arrivals(database: Database, commits: list[str]) -> GroupCommit:
    return GroupCommit(database, committed=lambda: commits.append("committed"))


def new(title: str) -> Creation:
    return creation(ANYBODY, title=title, owner_id=None, correlation_id=uuid4())


async def written_at_once(arrivals: GroupCommit, *creations: Creation) -> list[BaseException | None]:
    """Let all of them arrive before the first is written, and return what became of each."""
    requests = [asyncio.ensure_future(arrivals.write(one)) for one in creations]
    await asyncio.sleep(0)
    arrivals.start()
    try:
        return await asyncio.gather(*requests, return_exceptions=True)
    finally:
        await asyncio.to_thread(arrivals.stop)


def stored(database: Database) -> tuple[list[str], int]:
    """Return the titles of all tasks, and how many events wait."""
    with database.read() as connection:
        found = tasks.page(connection, TaskFilter(), after=None, limit=100).tasks
        return [task.title for task in found], outbox.depth(connection)


def test_tasks_that_arrive_together_share_a_commit(
    arrivals: GroupCommit, database: Database, commits: list[str]
) -> None:
    titles = [f"Task {number}" for number in range(20)]
    outcome = asyncio.run(written_at_once(arrivals, *map(new, titles)))
    assert outcome == [None] * 20
    assert stored(database) == (titles, 20)
    assert commits == ["committed"]


def test_requests_of_one_turn_of_the_loop_share_a_commit_though_nobody_else_writes(
    arrivals: GroupCommit, database: Database, commits: list[str]
) -> None:
    async def arrive_while_the_thread_waits() -> None:
        arrivals.start()
        await asyncio.gather(*(arrivals.write(new(f"Task {number}")) for number in range(5)))
        await asyncio.to_thread(arrivals.stop)

    asyncio.run(arrive_while_the_thread_waits())
    assert stored(database)[1] == 5
    assert commits == ["committed"]


def test_a_task_that_cannot_be_written_takes_no_other_with_it(
    arrivals: GroupCommit, database: Database
) -> None:
    twice = new("Twice")
    one, first, second, other = asyncio.run(written_at_once(arrivals, new("One"), twice, twice, new("Other")))
    assert (one, first, other) == (None, None, None)
    assert type(second).__name__ == "IntegrityError"
    assert stored(database) == (["One", "Twice", "Other"], 3)


def test_a_database_that_is_gone_is_told_to_each_and_nothing_is_written(
    arrivals: GroupCommit, database: Database, file: Path, commits: list[str]
) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("ALTER TABLE outbox RENAME TO away")
        outcome = asyncio.run(written_at_once(arrivals, new("One"), new("Other")))
        assert [type(failure) for failure in outcome] == [DatabaseUnavailable] * 2
        assert commits == []
        other.execute("ALTER TABLE away RENAME TO outbox")
    assert stored(database) == ([], 0)


class Attempts(Database):
    """A database that counts the attempts to change it, and may break off in the commit."""

    count = 0
    breaks = False

    @contextmanager
    @override
    def write(self) -> Iterator[Connection]:
        self.count += 1
        with super().write() as connection:
            yield connection
            if self.breaks:
                raise OutcomeUnknown("the connection was lost")


@pytest.fixture
def attempts(file: Path) -> Iterator[Attempts]:
    with closing(Attempts(f"sqlite:///{file}", timeout_seconds=0.02)) as attempts:
        schema.migrate(attempts)
        attempts.count = 0
        yield attempts


async def written_one_after_the_other(arrivals: GroupCommit, release: Callable[[], None]) -> list[object]:
    """Let a thousand arrive at once, and one more when these were told and the database is free again."""
    arrivals.start()
    many = (arrivals.write(new(f"Task {number}")) for number in range(1000))
    outcome: list[object] = list(await asyncio.gather(*many, return_exceptions=True))
    release()
    outcome += await asyncio.gather(arrivals.write(new("Later")), return_exceptions=True)
    await asyncio.to_thread(arrivals.stop)
    return outcome


def test_all_who_wait_for_a_locked_database_are_told_after_one_attempt(
    attempts: Attempts, file: Path
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        arrivals = GroupCommit(attempts, committed=lambda: None)
        outcome = asyncio.run(written_one_after_the_other(arrivals, other.rollback))
    assert [type(failure) for failure in outcome] == [DatabaseUnavailable] * 1000 + [type(None)]
    assert attempts.count == 2
    assert stored(attempts) == (["Later"], 1)


def test_an_unknown_outcome_is_that_of_the_group_that_was_sent_and_of_no_other(attempts: Attempts) -> None:
    attempts.breaks = True
    arrivals = GroupCommit(attempts, committed=lambda: None)

    def mend() -> None:
        attempts.breaks = False

    outcome = asyncio.run(written_one_after_the_other(arrivals, mend))
    kinds = [OutcomeUnknown] * 200 + [DatabaseUnavailable] * 800 + [type(None)]
    assert [type(failure) for failure in outcome] == kinds
    assert stored(attempts) == (["Later"], 1)


def test_a_lock_that_comes_while_tasks_are_written_alone_is_told_to_the_rest_at_once(
    attempts: Attempts, file: Path
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:

        def lock() -> None:
            other.execute("BEGIN IMMEDIATE")

        arrivals = GroupCommit(attempts, committed=lock)
        twice = new("Twice")
        rest = [new(f"Task {number}") for number in range(20)]
        written, *outcome = asyncio.run(written_at_once(arrivals, twice, twice, *rest))
    assert written is None
    assert [type(failure) for failure in outcome] == [DatabaseUnavailable] * 21
    assert attempts.count == 3
    assert stored(attempts) == (["Twice"], 1)


def test_a_request_that_was_ended_is_not_written(attempts: Attempts) -> None:
    arrivals = GroupCommit(attempts, committed=lambda: None)

    async def end_one_of_two() -> tuple[BaseException | None, BaseException | None]:
        gone, stays = (asyncio.ensure_future(arrivals.write(new(title))) for title in ("Gone", "Stays"))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        arrivals.start()
        await asyncio.to_thread(arrivals.stop)
        return await asyncio.gather(gone, stays, return_exceptions=True)

    gone, stays = asyncio.run(end_one_of_two())
    assert (type(gone), stays) == (asyncio.CancelledError, None)
    assert stored(attempts) == (["Stays"], 1)


def test_what_has_arrived_is_written_before_the_end(arrivals: GroupCommit, database: Database) -> None:
    async def arrive_and_end() -> None:
        arrivals.start()
        request = asyncio.ensure_future(arrivals.write(new("Last")))
        await asyncio.sleep(0)
        await asyncio.to_thread(arrivals.stop)
        await request

    asyncio.run(arrive_and_end())
    assert stored(database) == (["Last"], 1)
