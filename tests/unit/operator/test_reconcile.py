"""What the operator remembers, so that Kafka is not asked too early and no status is written too early."""

from __future__ import annotations

import time
from datetime import timedelta

from eventconsumer_operator.memory import Memory
from eventconsumer_operator.world import asked_too_early, awaits_first_answer
from tests.unit.operator.builders import NOW, world

LATER = NOW + timedelta(seconds=5)


def test_workers_that_were_always_so_many_came_at_no_known_time() -> None:
    memory = Memory()
    assert memory.count(2, NOW) is None
    assert memory.count(2, LATER) is None


def test_a_worker_that_came_or_went_is_remembered_with_its_time() -> None:
    memory = Memory()
    memory.count(2, NOW)
    assert memory.count(1, LATER) == LATER
    assert memory.count(1, LATER + timedelta(hours=1)) == LATER


def test_kafka_was_asked_too_early_until_it_was_asked_after_the_last_change() -> None:
    assert asked_too_early(world(crew_since=NOW))
    assert not asked_too_early(world(crew_since=NOW - timedelta(seconds=1)))
    assert not asked_too_early(world(crew_since=None))
    assert not asked_too_early(world(crew_since=NOW, observation=None))


def test_only_a_status_that_was_never_written_waits_for_kafkas_first_answer() -> None:
    assert awaits_first_answer(world(observation=None))
    assert not awaits_first_answer(world())
    assert not awaits_first_answer(world(observation=None, status={"observedGeneration": 1}))


def test_it_waits_for_two_seconds_at_most() -> None:
    assert 0 < Memory().patience() <= 2
    assert Memory(began=time.monotonic() - 2).patience() <= 0
