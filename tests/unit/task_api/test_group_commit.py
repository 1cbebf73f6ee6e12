"""New tasks share commits and nothing else: tested on a real SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from eventconsumer_api.models import TaskFilter
from eventconsumer_api.principal import ANYBODY
from eventconsumer_api.services.creation import Creation, creation
from eventconsumer_api.services.group_commit import GroupCommit
from eventconsumer_api.storage import outbox, tasks
from eventconsumer_api.storage.database import Database, DatabaseUnavailable

if TYPE_CHECKING:
    from pathlib import Path


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


def test_what_has_arrived_is_written_before_the_end(arrivals: GroupCommit, database: Database) -> None:
    async def arrive_and_end() -> None:
        arrivals.start()
        request = asyncio.ensure_future(arrivals.write(new("Last")))
        await asyncio.sleep(0)
        await asyncio.to_thread(arrivals.stop)
        await request

    asyncio.run(arrive_and_end())
    assert stored(database) == (["Last"], 1)
