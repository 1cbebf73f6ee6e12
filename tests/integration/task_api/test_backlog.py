"""A backlog of several full batches: while one leaves the outbox, the next is published.

Rounds by default are few; `EVENTCONSUMER_KILLS=20` makes the full proof.
"""

from __future__ import annotations

import json
import logging
import operator
import os
import random
import sqlite3
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from eventconsumer_api.events import EventType, task_event
from eventconsumer_api.models import new_task
from eventconsumer_api.storage import outbox, schema
from eventconsumer_api.storage.database import Database
from tests.support.api_process import ApiProcess
from tests.support.broker_client import BrokerClient
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dev.kafka import LocalBroker

_log = logging.getLogger(__name__)

KILLS = int(os.environ.get("EVENTCONSUMER_KILLS", "1"))
BATCH = 10_000
TASKS = 100
NOW = datetime(2026, 1, 15, tzinfo=UTC)

# The last of a batch: while the others are deleted, the next batch is published.
STAY = f"""
CREATE TRIGGER stay BEFORE DELETE ON outbox WHEN OLD.sequence = {BATCH} BEGIN SELECT RAISE(ABORT, ''); END
"""
REFUSAL = "Events stay in the outbox"

Told = dict[str, list[str]]
"""The ids of each task's events, in their order."""


def an_api(folder: Path, url: str, broker: LocalBroker, topic: str) -> ApiProcess:
    return ApiProcess(folder, bootstrap_servers=broker.bootstrap_servers, topic=topic, DATABASE_URL=url)


def write(url: str, count: int) -> Told:
    """Put so many events of a hundred tasks, which take turns, into a new outbox."""
    tasks = [new_task(uuid4(), "Buy groceries", None, NOW) for _ in range(TASKS)]
    events = [task_event(EventType.UPDATED, tasks[number % TASKS], uuid4()) for number in range(count)]
    with closing(Database(url, timeout_seconds=60)) as database:
        schema.migrate(database)
        with database.write() as connection:
            outbox.add_all(connection, [(event, None) for event in events])
    return by_task((event.data.task_id, event.event_id) for event in events)


def by_task(events: Iterable[tuple[str, str]]) -> Told:
    found = defaultdict(list)
    for task_id, event_id in events:
        found[task_id].append(event_id)
    return dict(found)


def published(broker: LocalBroker, topic: str) -> int:
    return sum(BrokerClient(broker.bootstrap_servers).end_offsets(topic).values())


def told(broker: LocalBroker, topic: str) -> Told:
    messages = BrokerClient(broker.bootstrap_servers).messages(topic, count=published(broker, topic))
    events = [json.loads(message.value() or b"") for message in messages]
    return by_task((event["data"]["task_id"], event["event_id"]) for event in events)


def different(found: Told) -> int:
    """Count the events, each once however often it was told."""
    return sum(len(set(ids)) for ids in found.values())


def waiting(url: str) -> list[int]:
    with closing(Database(url)) as database, database.read() as connection:
        return [row[0] for row in outbox.waiting(connection, limit=10 * BATCH)]


def execute(url: str, statement: str) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as connection, connection:
        connection.execute(statement)


def assert_told_in_order(found: Told, written: Told) -> None:
    """Fail where first copies are not in their order, or a task's last word is not its last event."""
    assert {task: list(dict.fromkeys(ids)) for task, ids in found.items()} == written
    assert {task: ids[-1] for task, ids in found.items()} == {task: ids[-1] for task, ids in written.items()}


@pytest.mark.parametrize("out_of_the_way", [[], [3, 7_000]], ids=["without a gap", "with gaps"])
def test_a_look_passes_over_what_is_leaving_and_over_nothing_else(
    url: str, out_of_the_way: list[int]
) -> None:
    write(url, 50)
    leaving = [number for number in range(2, 40) if number not in out_of_the_way]
    with closing(Database(url)) as database, database.read() as connection:
        found = [row[0] for row in outbox.waiting(connection, limit=5, besides=leaving)]
    assert found == [number for number in range(1, 51) if number not in leaving][:5]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_while_a_batch_cannot_leave_the_next_one_stays_too_and_both_come_again(
    url: str, tmp_path: Path, broker: LocalBroker, topic: str
) -> None:
    written = write(url, 2 * BATCH + 100)
    execute(url, STAY)
    with an_api(tmp_path, url, broker, topic) as api:
        both = partial(operator.eq, 2 * BATCH)
        eventually("both are published", lambda: different(told(broker, topic)), until=both)
        before = api.log().count(REFUSAL)
        eventually("neither could leave", lambda: api.log().count(REFUSAL) > before)
        assert waiting(url) == list(range(1, 2 * BATCH + 101))
        execute(url, "DROP TRIGGER stay")
        eventually("the outbox is empty", lambda: waiting(url) == [])
    assert_told_in_order(told(broker, topic), written)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_orderly_end_leaves_nothing_on_its_way(
    url: str, tmp_path: Path, broker: LocalBroker, topic: str
) -> None:
    written = write(url, 3 * BATCH)
    with an_api(tmp_path, url, broker, topic) as api:
        eventually("the first are published", lambda: published(broker, topic) > 0, every=0.01)
        api.terminate()
        assert published(broker, topic) + len(waiting(url)) == 3 * BATCH
        api.start()
        eventually("the outbox is empty", lambda: waiting(url) == [])
    assert told(broker, topic) == written


@pytest.mark.timeout(1800)
def test_a_kill_in_a_backlog_repeats_two_batches_at_most(
    url: str, tmp_path: Path, broker: LocalBroker, topic: str
) -> None:
    chance = random.Random(KILLS)  # noqa: S311  # no secret, the same moments each time
    count = 2 * BATCH * KILLS + BATCH
    written = write(url, count)
    with an_api(tmp_path, url, broker, topic) as api:
        for _ in range(KILLS):
            more = published(broker, topic) + chance.randrange(2 * BATCH)
            eventually(
                "work goes on",
                lambda: published(broker, topic),
                until=partial(operator.lt, min(more, count - 1)),
                every=0.01,
            )
            api.kill()
            api.start()
        eventually("the outbox is empty", lambda: waiting(url) == [], within=120)
    assert_told_in_order(told(broker, topic), written)
    repeated = published(broker, topic) - count
    assert repeated <= KILLS * 2 * BATCH
    _log.info("%d kills, %d events, 0 lost, %d repeated", KILLS, count, repeated)
