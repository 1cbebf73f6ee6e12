"""Several processes on one database: one relay publishes, and another one takes over when it can't go on."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx2
import psycopg
import pytest
from psycopg import sql

from eventconsumer_api.bell import Bell
from eventconsumer_api.events import EventType, task_event
from eventconsumer_api.models import new_task
from eventconsumer_api.storage import outbox, schema
from eventconsumer_api.storage.database import Database
from eventconsumer_api.storage.turn import PostgresTurn
from tests.support.api_process import ApiProcess
from tests.support.broker_client import BrokerClient
from tests.support.eventually import eventually
from tests.support.waiting import waiting_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dev.kafka import LocalBroker

WRITERS = 50
A_WRITER = 10


@pytest.fixture
def start(tmp_path: Path, broker: LocalBroker, topic: str) -> Iterator[Callable[[str], ApiProcess]]:
    with ExitStack() as processes:

        def start(database_url: str) -> ApiProcess:
            folder = tmp_path / str(uuid4())
            folder.mkdir()
            servers = broker.bootstrap_servers
            api = ApiProcess(folder, bootstrap_servers=servers, topic=topic, DATABASE_URL=database_url)
            processes.enter_context(api)
            return api

        yield start


def figure(api: ApiProcess, name: str) -> float:
    told = httpx2.get(f"{api.url}/metrics", timeout=30).text
    (line,) = (line for line in told.splitlines() if line.startswith(f"{name} "))
    return float(line.split()[1])


def leads(api: ApiProcess) -> bool:
    return figure(api, "relay_leader") == 1


def eventually_leads(api: ApiProcess) -> None:
    eventually("it publishes", lambda: leads(api), within=30)


def write(
    url: str, writers: int, changes: int, *, behind: threading.Event | None = None
) -> dict[str, list[str]]:
    """Let writers commit changes of a task of their own at random moments; return each task's event ids.

    With ``behind`` they write on until that is set, and so many changes after it.
    """
    # They wait for each other, in no order.
    database = Database(url, timeout_seconds=60)

    def work(number: int) -> tuple[str, list[str]]:
        chance = random.Random(number)  # noqa: S311  # each run with the same pauses
        task = new_task(uuid4(), "Buy groceries", None, datetime.now(UTC))
        ids: list[str] = []
        left = changes
        while left:
            if behind is None or behind.is_set():
                left -= 1
            event = task_event(EventType.UPDATED, task, uuid4())
            with database.write() as connection:
                outbox.add(connection, event)
                # Others take higher numbers in the meantime, and commit before us.
                if not url.startswith("sqlite"):
                    time.sleep(chance.random() * 0.03)
            ids.append(event.event_id)
        return str(task.id), ids

    with ThreadPoolExecutor(writers) as threads:
        written = dict(threads.map(work, range(writers)))
    database.close()
    return written


@contextmanager
def writing(url: str) -> Iterator[Callable[[], dict[str, list[str]]]]:
    """Let ten writers go on until what is given is called: each writes 20 more, and it returns as `write`."""
    enough = threading.Event()
    with ThreadPoolExecutor(1) as beside:
        writers = beside.submit(write, url, 10, 20, behind=enough)

        def end() -> dict[str, list[str]]:
            enough.set()
            return writers.result()

        try:
            yield end
        finally:
            enough.set()


def published(broker: LocalBroker, topic: str, at_least: int) -> dict[str, list[str]]:
    """Return each task's event ids in the order of the topic, repeated ones too."""
    client = BrokerClient(broker.bootstrap_servers)
    end = eventually(
        f"{at_least} events in {topic}",
        lambda: sum(client.end_offsets(topic).values()),
        until=lambda found: found >= at_least,
    )
    found = defaultdict(list)
    for message in client.messages(topic, count=end):
        key, value = message.key(), message.value()
        assert isinstance(key, bytes)
        assert isinstance(value, bytes)
        found[key.decode()].append(json.loads(value)["event_id"])
    return dict(found)


def without_repeats(events: dict[str, list[str]]) -> dict[str, list[str]]:
    return {key: list(dict.fromkeys(ids)) for key, ids in events.items()}


def waiting(url: str) -> int:
    database = Database(url)
    try:
        with database.read() as connection:
            return outbox.depth(connection)
    finally:
        database.close()


def test_an_outbox_row_has_id_and_time_as_its_event_has_them(url: str) -> None:
    event = task_event(
        EventType.CREATED, new_task(uuid4(), "Buy groceries", None, datetime.now(UTC)), uuid4()
    )
    with closing(Database(url)) as database:
        schema.migrate(database)
        with database.write() as connection:
            outbox.add(connection, event)
        with database.read() as connection:
            (row,) = waiting_events(connection)
    assert (row.id, datetime.fromisoformat(row.time)) == (
        event.event_id,
        datetime.fromisoformat(event.occurred_at),
    )


def test_two_relays_and_fifty_writers_publish_each_event_once_and_in_its_order(
    url: str, start: Callable[[str], ApiProcess], broker: LocalBroker, topic: str
) -> None:
    both = [start(url), start(url)]
    eventually("one publishes", lambda: sorted(map(leads, both)) == [False, True])
    written = write(url, WRITERS, A_WRITER)
    eventually("the outbox is empty", lambda: waiting(url) == 0)
    assert published(broker, topic, WRITERS * A_WRITER) == written


def test_a_standby_takes_over_from_a_relay_that_was_killed(
    url: str, start: Callable[[str], ApiProcess], broker: LocalBroker, topic: str
) -> None:
    first = start(url)
    eventually_leads(first)
    second = start(url)
    assert not leads(second)
    with writing(url) as end_of_writing:
        published(broker, topic, 50)
        first.kill()
        written = end_of_writing()
    eventually_leads(second)
    eventually("the outbox is empty", lambda: waiting(url) == 0)
    assert without_repeats(published(broker, topic, sum(map(len, written.values())))) == written


def test_a_frozen_relay_loses_its_turn_and_when_it_wakes_no_event_leaves_its_place(
    database: str, start: Callable[[str], ApiProcess], broker: LocalBroker, topic: str
) -> None:
    frozen = start(database)
    eventually_leads(frozen)
    second = start(database)
    assert not leads(second)
    with writing(database) as end_of_writing:
        published(broker, topic, 50)
        os.kill(frozen.pid, signal.SIGSTOP)
        written = end_of_writing()
    eventually_leads(second)
    eventually("the outbox is empty", lambda: waiting(database) == 0)
    os.kill(frozen.pid, signal.SIGCONT)
    eventually("it sees that it lost its turn", lambda: not leads(frozen))
    assert without_repeats(published(broker, topic, sum(map(len, written.values())))) == written


def in_schema(url: str, schema_name: str) -> str:
    """Make a schema with the tables of an installation of its own, and return its address."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema_name)))
    address = f"{url}?options=-csearch_path%3D{schema_name}"
    migrated(address)
    return address


def migrated(url: str) -> None:
    with closing(Database(url)) as database:
        schema.migrate(database)


def test_the_relay_publishes_from_the_schema_that_the_url_names(
    database: str, start: Callable[[str], ApiProcess], broker: LocalBroker, topic: str
) -> None:
    ours = in_schema(database, "ours")
    eventually_leads(start(ours))
    written = write(ours, 2, 3)
    eventually("the outbox is empty", lambda: waiting(ours) == 0)
    assert published(broker, topic, 6) == written


def test_installations_in_two_schemas_of_a_database_have_a_turn_each(database: str) -> None:
    urls = [in_schema(database, "ours"), in_schema(database, "theirs")]
    with closing(Bell()) as bell:
        turns = [PostgresTurn(url, bell) for url in (*urls, urls[0])]
        assert [turn.take() for turn in turns] == [True, True, False]
        for turn in turns:
            turn.give_up()


def test_a_silent_relay_and_a_late_answer_end_by_the_servers_clock(database: str) -> None:
    migrated(database)
    with closing(Bell()) as bell:
        turn = PostgresTurn(database, bell)
        assert turn.take()
        with turn.read() as connection:
            settings = [
                connection.exec_driver_sql(f"SHOW {name}").scalar_one()
                for name in ("idle_session_timeout", "statement_timeout", "application_name")
            ]
        turn.give_up()
    assert settings == ["10s", "5s", "task-api relay"]


def test_an_event_committed_at_a_standby_wakes_whoever_publishes(database: str) -> None:
    migrated(database)
    with closing(Bell()) as bell, closing(Bell()) as other_bell:
        first, second = PostgresTurn(database, bell), PostgresTurn(database, other_bell)
        assert (first.take(), second.take()) == (True, False)
        second.pass_on()
        assert first.wait(60)
        first.give_up()
        eventually("the turn is free for the other", second.take)
        second.give_up()
