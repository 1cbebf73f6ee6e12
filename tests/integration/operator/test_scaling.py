"""How many workers the lag of a real group calls for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from eventconsumer_operator.autoscaler import Autoscaler
from tests.integration.operator.following import KEY, commit, observe, produce, target
from tests.unit.operator.builders import consumer, deployment, world

if TYPE_CHECKING:
    from dev.kafka import LocalBroker
    from eventconsumer_operator.scaling import Decision
    from eventconsumer_operator.world import Observation

RULES = {"min": 0, "max": 5, "targetLag": 10}


def decided(seen: Observation, *, running: int, **rules: Any) -> Decision:
    """Return what is decided on one look at a group while so many workers run."""
    scaled = world(
        consumer=consumer(scaling=RULES | rules),
        deployment=deployment(replicas=running, ready=running),
        observation=seen,
        status={"scaling": {"desired": running, "lastScaleTime": None}},
    )
    decision = Autoscaler().decide(KEY, scaled, now=datetime.now(UTC), at=1000.0)
    assert decision is not None
    return decision


def test_lag_on_all_partitions_brings_a_worker_for_each(broker: LocalBroker, topic: str) -> None:
    for partition in range(3):
        produce(broker, topic, partition=partition, count=20)

    seen = observe(target(broker, topic), lambda seen: seen.lag.total == 60)

    decision = decided(seen, running=0)
    assert (decision.desired, decision.wanted, decision.reason) == (3, 6, "Partitions")


def test_lag_on_one_partition_brings_one_worker_and_the_reason(broker: LocalBroker, topic: str) -> None:
    produce(broker, topic, partition=1, count=60)
    commit(broker, topic, partition=1, offset=5)

    seen = observe(target(broker, topic), lambda seen: seen.lag.total == 55)

    decision = decided(seen, running=1)
    assert (decision.desired, decision.wanted, decision.reason) == (1, 6, "HotPartition")


def test_one_unread_record_wakes_a_consumer(broker: LocalBroker, topic: str) -> None:
    asleep = observe(target(broker, topic), lambda seen: seen.lag.total == 0)
    produce(broker, topic)

    awake = observe(target(broker, topic), lambda seen: seen.lag.total == 1)

    assert (decided(asleep, running=0).desired, decided(awake, running=0).desired) == (0, 1)


def test_a_partition_without_a_committed_offset_wakes_a_consumer_and_lets_it_sleep_again(
    broker: LocalBroker, topic: str
) -> None:
    for partition in range(2):
        commit(broker, topic, partition=partition, offset=0)
    added = observe(target(broker, topic, "latest"), lambda seen: seen.lag.state == "Uncommitted")
    commit(broker, topic, partition=2, offset=0)

    all_committed = observe(target(broker, topic, "latest"), lambda seen: seen.lag.state == "Known")

    assert (decided(added, running=0).desired, decided(added, running=0).reason) == (1, "Awake")
    assert decided(all_committed, running=0).desired == 0


def test_a_broker_that_is_away_holds_the_number_of_workers(broker: LocalBroker, topic: str) -> None:
    broker.pause()
    try:
        seen = observe(target(broker, topic), lambda seen: seen.lag.total is None)
    finally:
        broker.resume()

    decision = decided(seen, running=2)
    assert (decision.desired, decision.wanted, decision.reason) == (2, None, "LagUnknown")
