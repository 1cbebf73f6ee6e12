"""What follows from the reports on a batch: decisions without a broker."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from confluent_kafka import KafkaError

from eventconsumer_api import relay
from eventconsumer_api.encoding import as_json
from eventconsumer_api.kafka_security import KafkaCredentials, KafkaSecuritySettings
from eventconsumer_api.publisher import ACKNOWLEDGED, Delivery, Outcome, Place, Publisher, Receipt, judge
from eventconsumer_api.settlement import Settlement, published, settle
from eventconsumer_api.storage import turn
from eventconsumer_api.storage.deliveries import PublishedEvent
from eventconsumer_api.storage.outbox import WaitingEvent

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
    credentials = KafkaCredentials(KafkaSecuritySettings())
    publisher = Publisher(
        bootstrap_servers="127.0.0.1:1", topic="task-events", client_id="test", credentials=credentials
    )
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


def test_a_relay_that_pauses_keeps_its_turn() -> None:
    spoke_before = turn._SAY_SOMETHING_EVERY_SECONDS
    assert spoke_before + relay._LONGEST_PAUSE_SECONDS < turn.SILENT_SECONDS
    assert relay._LOOK_EVERY_SECONDS < turn.SILENT_SECONDS
