"""What transactions leave at a topic's end is never delivered, so it is no lag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.operator.following import commit, observe, produce, said, target
from tests.support.conditions import condition
from tests.support.sure_producer import SureProducer

if TYPE_CHECKING:
    from dev.kafka import LocalBroker
    from tests.integration.conftest import MakeTopic


def transaction(broker: LocalBroker, topic: str, *, count: int) -> SureProducer:
    """Write records in a transaction that is still open."""
    producer = SureProducer(broker.bootstrap_servers, {"transactional.id": topic})
    producer.init_transactions(30)
    producer.begin_transaction()
    for number in range(count):
        producer.produce(topic, value=str(number), partition=0)
    producer.await_delivery()
    return producer


# A transaction's marker is written a moment after its end was answered, so each test waits for it.


def test_the_control_record_after_a_committed_transaction_is_no_lag(
    broker: LocalBroker, make_topic: MakeTopic
) -> None:
    topic = make_topic(1)
    transaction(broker, topic, count=3).commit_transaction(30)
    commit(broker, topic, partition=0, offset=3)

    status = said(observe(target(broker, topic), lambda seen: seen.lag.hollow > 0))

    assert (status["lag"], status["rawLag"], status["behindSeconds"]) == (0, 1, 0)
    assert condition(status, "KeepingUp")["reason"] == "CaughtUp"
    assert status["summary"]["status"] == "MembersMissing"


def test_aborted_records_are_no_lag(broker: LocalBroker, make_topic: MakeTopic) -> None:
    topic = make_topic(1)
    produce(broker, topic, count=2)
    commit(broker, topic, partition=0, offset=2)
    transaction(broker, topic, count=5).abort_transaction(30)

    seen = observe(target(broker, topic), lambda seen: seen.lag.hollow > 0 and seen.lag.raw == 6)

    assert (seen.lag.total, seen.lag.raw) == (0, 6)


def test_a_group_that_never_committed_has_no_lag_where_everything_was_aborted(
    broker: LocalBroker, make_topic: MakeTopic
) -> None:
    topic = make_topic(1)
    transaction(broker, topic, count=5).abort_transaction(30)

    seen = observe(target(broker, topic), lambda seen: seen.lag.hollow > 0 and seen.lag.raw == 6)

    assert (seen.lag.total, seen.lag.raw) == (0, 6)


def test_a_record_behind_aborted_ones_is_lag(broker: LocalBroker, make_topic: MakeTopic) -> None:
    topic = make_topic(1)
    transaction(broker, topic, count=5).abort_transaction(30)
    produce(broker, topic, count=1)

    seen = observe(target(broker, topic), lambda seen: seen.lag.raw == 7 and seen.behind_seconds is not None)

    assert (seen.lag.total, seen.lag.hollow) == (7, 0)


def test_records_of_a_transaction_count_while_it_is_open_and_when_it_was_committed(
    broker: LocalBroker, make_topic: MakeTopic
) -> None:
    topic = make_topic(1)
    producer = transaction(broker, topic, count=4)

    still_open = observe(target(broker, topic))
    producer.commit_transaction(30)
    committed = observe(
        target(broker, topic), lambda seen: seen.lag.raw == 5 and seen.behind_seconds is not None
    )

    assert (still_open.lag.total, still_open.lag.hollow) == (4, 0)
    assert (committed.lag.total, committed.lag.hollow) == (5, 0)
