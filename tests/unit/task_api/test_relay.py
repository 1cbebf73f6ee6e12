"""What follows from the reports on a batch: decisions without a broker."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from confluent_kafka import KafkaError
from sqlalchemy import func, select
from typing_extensions import override

from eventconsumer_api import relay
from eventconsumer_api.bell import Bell
from eventconsumer_api.encoding import as_json
from eventconsumer_api.events import EventType, task_event
from eventconsumer_api.kafka_security import KafkaCredentials, KafkaSecuritySettings
from eventconsumer_api.metrics import Metrics
from eventconsumer_api.models import new_task
from eventconsumer_api.publisher import ACKNOWLEDGED, Delivery, Outcome, Place, Publisher, Receipt, judge
from eventconsumer_api.relay import Relay, Way
from eventconsumer_api.settlement import Settlement, published, settle
from eventconsumer_api.storage import deliveries, outbox, tables, turn
from eventconsumer_api.storage.database import DatabaseUnavailable
from eventconsumer_api.storage.deliveries import PublishedEvent
from eventconsumer_api.storage.outbox import WaitingEvent
from eventconsumer_api.storage.turn import SqliteTurn
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection

    from eventconsumer_api.storage.database import Database

NOW = datetime(2026, 1, 15, tzinfo=UTC)
REFUSED = Delivery(Outcome.REFUSED, "too large")
FAILED = Delivery(Outcome.FAILED, "timed out")


def an_event(sequence: int, key: str) -> WaitingEvent:
    return WaitingEvent(
        sequence=sequence,
        key=key,
        payload="{}",
        id=str(UUID(int=sequence)),
        type="task.created",
        time="2026-01-15T00:00:00.000000+00:00",
        traceparent=None,
    )


A1, B2, A3, B4 = an_event(1, "a"), an_event(2, "b"), an_event(3, "a"), an_event(4, "b")


def a_publisher() -> Publisher:
    credentials = KafkaCredentials(KafkaSecuritySettings())
    return Publisher(
        bootstrap_servers="127.0.0.1:1", topic="task-events", client_id="test", credentials=credentials
    )


def acknowledged(_: Publisher, events: Sequence[object], *_rest: object, **_more: object) -> Receipt:
    """Take every event, as Kafka does."""
    places = [Place(number, 0, number) for number in range(len(events))]
    return Receipt([ACKNOWLEDGED] * len(events), places)


@contextmanager
def relaying(
    database: Database, folder: Path, *, metrics: Metrics | None = None, kind: type[SqliteTurn] = SqliteTurn
) -> Iterator[None]:
    """Run a relay on this database."""
    with closing(Bell()) as bell:
        way = Way(kind(database, folder / "turn", bell), bell, as_json, a_publisher())
        running = Relay(database, way, metrics or Metrics())
        running.start()
        try:
            yield
        finally:
            running.stop()


def leave(database: Database, events: int) -> None:
    """Leave events of as many tasks in the outbox."""
    tasks = [new_task(uuid4(), "Buy groceries", None, NOW) for _ in range(events)]
    with database.write() as connection:
        outbox.add_all(connection, [(task_event(EventType.CREATED, task, uuid4()), None) for task in tasks])


def noted(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(tables.deliveries)).scalar_one()


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        pytest.param(
            [ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED],
            Settlement(acknowledged=range(4), refused=[], failure=None),
            id="all acknowledged: all leave the outbox",
        ),
        pytest.param(
            [FAILED, ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED],
            Settlement(acknowledged=[1, 3], refused=[], failure="timed out"),
            id="a failure keeps the later events of its task, and of its task only",
        ),
        pytest.param(
            [ACKNOWLEDGED, REFUSED, ACKNOWLEDGED, ACKNOWLEDGED],
            Settlement(acknowledged=[0, 2, 3], refused=[1], failure=None),
            id="a refusal keeps nobody else",
        ),
        pytest.param(
            [FAILED, REFUSED, REFUSED, FAILED],
            Settlement(acknowledged=[], refused=[1], failure="timed out"),
            id="a refused event behind a failed one of its task waits with it",
        ),
    ],
)
def test_a_batch_is_settled_by_its_reports(deliveries: list[Delivery], expected: Settlement) -> None:
    assert settle([A1, B2, A3, B4], deliveries) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, Outcome.REFUSED),
        (KafkaError.INVALID_RECORD, Outcome.REFUSED),
        (KafkaError._MSG_TIMED_OUT, Outcome.FAILED),
        (KafkaError._FATAL, Outcome.FAILED),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, Outcome.FAILED),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, Outcome.FAILED),
    ],
)
def test_only_what_no_repetition_can_mend_is_a_refusal(code: int, expected: Outcome) -> None:
    assert judge(KafkaError(code)).outcome is expected


@pytest.mark.parametrize(
    "error",
    [
        KafkaError(KafkaError._FATAL),
        KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "a gap", fatal=True),
    ],
    ids=["as a report has it", "as the error callback has it"],
)
def test_after_a_fatal_error_a_new_producer_takes_over(error: KafkaError) -> None:
    publisher = a_publisher()
    given_up = publisher._producer
    publisher._note_error(error)
    publisher.publish([], as_json, meanwhile=lambda: None)
    assert publisher._producer is not given_up
    publisher.close()


def test_only_the_newest_events_of_a_batch_that_leave_the_outbox_are_noted() -> None:
    events = [an_event(number, str(UUID(int=number % 7))) for number in range(300)]
    receipt = Receipt([ACKNOWLEDGED] * 300, [Place(number, 2, number) for number in range(200, 300)])
    settlement = Settlement(acknowledged=range(299), refused=[], failure="timed out")
    noted = published(events, receipt, settlement, NOW)
    assert noted[0] == PublishedEvent(UUID(int=200), UUID(int=4), "task.created", 2, 200, NOW)
    assert [event.offset for event in noted] == list(range(200, 299))


def test_what_kafka_acknowledged_is_counted(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Publisher, "publish", acknowledged)
    metrics = Metrics()
    leave(database, 3)
    with relaying(database, tmp_path, metrics=metrics):
        eventually("all are noted", lambda: noted(database) == 3)
    assert b"outbox_published_total 3.0" in metrics.text()


def test_of_all_that_was_published_the_newest_thousand_are_noted(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = [NOW + timedelta(seconds=number) for number in range(1200)]
    old = [PublishedEvent(uuid4(), uuid4(), "task.created", 0, 1, moment) for moment in moments]
    with database.write() as connection:
        deliveries.note(connection, old)
    monkeypatch.setattr(Publisher, "publish", acknowledged)
    monkeypatch.setattr(relay, "_PRUNE_EVERY", 100)
    leave(database, 100)
    with relaying(database, tmp_path):
        eventually("the oldest are forgotten", lambda: noted(database) == 1000)


class LostTurn(SqliteTurn):
    """Is found to be another's whenever it is to be kept."""

    @override
    def keep(self) -> None:
        raise DatabaseUnavailable("the turn to publish was lost")


def test_what_was_published_stays_for_whoever_took_the_turn_meanwhile(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Publisher, "publish", acknowledged)
    leave(database, 3)
    with relaying(database, tmp_path, kind=LostTurn):
        eventually("the relay finds out", lambda: "the turn to publish was lost" in caplog.text)
    with database.read() as connection:
        assert outbox.depth(connection) == 3


def test_a_relay_that_was_frozen_before_it_published_looks_again_first(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    looks_before_publishing: list[int] = []

    class Counted(SqliteTurn):
        @override
        def read(self) -> AbstractContextManager[Connection]:
            looks.append(1)
            return super().read()

    def publish(publisher: Publisher, events: Sequence[object], *_: object, **_more: object) -> Receipt:
        looks_before_publishing.append(len(looks))
        return acknowledged(publisher, events)

    # Between its first look and what follows, more time goes by than half of what costs it the turn.
    clock = chain([0.0, turn.SILENT_SECONDS], repeat(100.0))
    monkeypatch.setattr(time, "clock_gettime", lambda _: next(clock))
    monkeypatch.setattr(Publisher, "publish", publish)
    leave(database, 3)
    with relaying(database, tmp_path, kind=Counted):
        eventually("all are noted", lambda: noted(database) == 3)
    assert looks_before_publishing == [2]


def test_a_relay_that_pauses_keeps_its_turn() -> None:
    spoke_before = turn._SAY_SOMETHING_EVERY_SECONDS
    assert spoke_before + relay._LONGEST_PAUSE_SECONDS < turn.SILENT_SECONDS
    assert relay._LOOK_EVERY_SECONDS < turn.SILENT_SECONDS
