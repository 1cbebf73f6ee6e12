"""Events that Kafka refused, from the command line: seen, and let go again."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from eventconsumer_api.__main__ import main
from eventconsumer_api.events import EventType, task_event
from eventconsumer_api.models import new_task
from eventconsumer_api.storage import outbox, schema
from eventconsumer_api.storage.database import Database
from tests.support.waiting import waiting_events

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a database of three events, of which the first two were refused."""
    url = f"sqlite:///{tmp_path}/tasks.db"
    monkeypatch.setenv("DATABASE_URL", url)
    with closing(Database(url)) as database:
        schema.migrate(database)
        with database.write() as connection:
            for _ in range(3):
                task = new_task(uuid4(), "Buy groceries", None, datetime.now(UTC))
                outbox.add(connection, task_event(EventType.CREATED, task, uuid4()))
            for number in (1, 2):
                outbox.reject(connection, number, "MSG_SIZE_TOO_LARGE: too large")
    return url


def waiting(url: str) -> list[int]:
    with closing(Database(url)) as database, database.read() as connection:
        return [event.sequence for event in waiting_events(connection)]


def call(*words: str) -> object:
    with pytest.raises(SystemExit) as ended:
        main(["outbox", *words])
    return ended.value.code


@pytest.mark.usefixtures("url")
def test_refused_events_are_listed_with_their_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list-rejected") == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["NUMBER", "TASK", "EVENT", "CREATED", "REASON"]
    assert [line.split()[0] for line in lines] == ["1", "2"]
    assert all(line.endswith("MSG_SIZE_TOO_LARGE: too large") for line in lines)


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["2"], 0, [2, 3]),
        (["1", "2"], 0, [1, 2, 3]),
        (["--all"], 0, [1, 2, 3]),
        (["1", "3"], 1, [1, 3]),
    ],
    ids=["one", "several", "all", "one that was not refused"],
)
def test_a_refused_event_waits_again_when_it_is_to_be_retried(
    url: str, words: list[str], code: int, expected: list[int]
) -> None:
    assert call("retry", *words) == code
    assert waiting(url) == expected


def test_events_are_removed_by_their_own_numbers_only(url: str) -> None:
    with closing(Database(url)) as database:
        with database.write() as connection:
            outbox.remove(connection, [1, 3])
        with database.read() as connection:
            state = outbox.state(connection)
    assert (state.pending, state.oldest_at, state.rejected) == (0, None, 1)
