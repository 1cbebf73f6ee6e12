"""How answers of Kafka become an observation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from eventconsumer_operator.access import Access
from eventconsumer_operator.described import Group
from eventconsumer_operator.growth import Dated
from eventconsumer_operator.lag import Lag, LagState, Offsets
from eventconsumer_operator.membership import Member
from eventconsumer_operator.questions import Answers, Target, first_unread, observe
from tests.unit.operator.builders import NOW

if TYPE_CHECKING:
    from eventconsumer_operator.records import Place

TARGET = Target(Access("kafka:9092"), "task-events", "notification-service", "earliest")
P0, P1 = ("task-events", 0), ("task-events", 1)
AGO = NOW.timestamp()


def read(at: float) -> Dated:
    return Dated(at, estimated=False)


def answers(
    *,
    group: Group | None = None,
    partitions: dict[str, list[int]] | None = None,
    redriven: dict[str, dict[Place, int]] | None = None,
) -> Answers:
    return Answers(
        partitions={"task-events": [0, 1], "other": [0]} if partitions is None else partitions,
        committed={"notification-service": {P0: 5, ("other", 0): 99}, **(redriven or {})},
        starts={P0: 0, P1: 2},
        ends={P0: 10, P1: 2},
        groups={"notification-service": group},
    )


def test_a_target_s_offsets_are_those_of_its_topic_and_group() -> None:
    assert answers().offsets(TARGET) == {0: Offsets(5, 0, 10), 1: Offsets(None, 2, 2)}


def test_only_partitions_that_lag_are_looked_into() -> None:
    assert first_unread(TARGET, answers().offsets(TARGET)) == {P0: 5}


def test_a_topic_that_kafka_does_not_have_is_said_to_be_absent() -> None:
    said = answers(partitions={})
    seen = observe(TARGET, said.offsets(TARGET), said, written_at=[], now=NOW)
    assert (seen.topic_exists, seen.lag) == (False, Lag(LagState.UNKNOWN))


def test_state_and_members_are_those_of_the_group() -> None:
    said = answers(group=Group("Stable", (Member("a", "/10.0.0.1"), Member("b", "/10.0.0.2"))))
    seen = observe(TARGET, said.offsets(TARGET), said, written_at=[read(AGO)], now=NOW)
    assert (seen.group_state, seen.members) == ("Stable", 2)


@pytest.mark.parametrize(
    ("written_at", "behind"),
    [
        pytest.param([read(AGO - 9.5)], 9, id="the age of the oldest unread record"),
        pytest.param([read(AGO - 3), read(AGO - 30)], 30, id="of the oldest among the partitions"),
        pytest.param([read(AGO - 3), None], None, id="unknown while one of them is unknown"),
        pytest.param([], None, id="unknown when none could be read"),
        pytest.param([read(AGO + 60)], 0, id="never negative when clocks differ"),
    ],
)
def test_behind(written_at: list[Dated | None], behind: int | None) -> None:
    said = answers()
    assert (
        observe(TARGET, said.offsets(TARGET), said, written_at=written_at, now=NOW).behind_seconds == behind
    )


def test_an_age_says_whether_it_is_an_estimate() -> None:
    said, dated = answers(), [read(AGO - 3), Dated(AGO - 30, estimated=True)]
    seen = observe(TARGET, said.offsets(TARGET), said, written_at=dated, now=NOW)
    assert (seen.behind_seconds, seen.behind_estimated) == (30, True)


def test_a_group_without_lag_is_not_behind() -> None:
    offsets = {0: Offsets(10, 0, 10)}
    assert observe(TARGET, offsets, answers(), written_at=[], now=NOW).behind_seconds == 0


@pytest.mark.parametrize(
    ("topic", "records"),
    [
        pytest.param("task-events", 10, id="what its logs span, over all partitions"),
        pytest.param("nobody-made-this", None, id="unknown where there is no such topic"),
        pytest.param("other", None, id="unknown while a partition gave no answer"),
        pytest.param(None, None, id="unknown where no topic is named"),
    ],
)
def test_dead_letters_are_counted_from_log_start_to_log_end(topic: str | None, records: int | None) -> None:
    assert answers(redriven={"task-events.redrive": {}, "other.redrive": {}}).letters_left(topic) == records


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        pytest.param({P0: 4}, 6, id="what a redrive has taken counts no more"),
        pytest.param({P0: 10, P1: 2}, 0, id="all taken"),
        pytest.param({P1: 0}, 10, id="what expired before it was taken counts once"),
    ],
)
def test_dead_letters_that_were_sent_back_are_not_counted(taken: dict[Place, int], left: int) -> None:
    assert answers(redriven={"task-events.redrive": taken}).letters_left("task-events") == left


def test_dead_letters_are_unknown_while_nobody_says_what_a_redrive_has_taken() -> None:
    assert answers().letters_left("task-events") is None


def test_dead_letters_are_unknown_while_a_partition_gives_no_answer() -> None:
    said = answers(redriven={"task-events.redrive": {}})
    assert replace(said, starts={P0: 0}).letters_left("task-events") is None
    assert replace(said, ends={P0: 10}).letters_left("task-events") is None
