"""What comes next for a resource that is being deleted with its consumer group."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_operator.conditions import stamp
from eventconsumer_operator.connection import Connection
from eventconsumer_operator.deletion import Step, left, parting
from eventconsumer_operator.models import EventConsumer
from eventconsumer_operator.names import ObjectKey, Reason
from eventconsumer_operator.outcome import Outcome
from tests.unit.operator.builders import NOW, deployment, resource, world

if TYPE_CHECKING:
    from eventconsumer_operator.deletion import Parting

WHERE = Connection("events-plain:9092", "task-events")
STOPPED = deployment(replicas=0, ready=0)
OTHER = ObjectKey("tasks", "other")


def gone(seconds: int = 5, policy: str = "Delete") -> EventConsumer:
    """Build a resource that was deleted so many seconds ago."""
    body = resource(deletionPolicy=policy)
    body["metadata"]["deletionTimestamp"] = stamp(NOW - timedelta(seconds=seconds))
    return EventConsumer.model_validate(body)


def decided(
    *,
    connection: Connection | None = WHERE,
    heir: ObjectKey | None = None,
    outcome: Outcome | None = None,
    **parts: Any,
) -> Parting:
    seen = world(**{"consumer": gone(), "deployment": STOPPED} | parts)
    return parting(seen, connection, heir=heir, outcome=outcome, now=NOW)


STEPS: dict[str, tuple[dict[str, Any], Step, Reason | None]] = {
    "the policy was set back": ({"consumer": gone(policy="Retain")}, Step.RELEASE, None),
    "workers run": ({"deployment": deployment()}, Step.STOP_WORKERS, None),
    "workers were told to stop and one is left": (
        {"deployment": deployment(replicas=0) | {"status": {"observedGeneration": 1, "replicas": 1}}},
        Step.STOP_WORKERS,
        None,
    ),
    "a worker was asked for, and there is none yet": (
        {"deployment": deployment() | {"status": {"observedGeneration": 1, "replicas": 0}}},
        Step.STOP_WORKERS,
        None,
    ),
    "nobody has seen yet that they were told to stop": (
        {"deployment": deployment(replicas=0, generation=2, seen=1)},
        Step.STOP_WORKERS,
        None,
    ),
    "workers have ended": ({}, Step.DELETE_GROUP, None),
    "there never were workers": ({"deployment": None}, Step.DELETE_GROUP, None),
    "another's Deployment has the name": ({"deployment": deployment(uid="x")}, Step.DELETE_GROUP, None),
    "the group still has members": ({"outcome": Outcome.NOT_EMPTY}, Step.DELETE_GROUP, None),
    "Kafka can't be asked": ({"outcome": Outcome.UNREACHABLE}, Step.DELETE_GROUP, None),
    "the group is deleted": ({"outcome": Outcome.DONE}, Step.RELEASE, Reason.GROUP_DELETED),
    "another one uses the group": ({"heir": OTHER}, Step.RELEASE, Reason.GROUP_RETAINED),
    "the group never was this one's": ({"group_owner": OTHER}, Step.RELEASE, Reason.GROUP_RETAINED),
    "its Kafka is not known": ({"connection": None}, Step.RELEASE, Reason.GROUP_RETAINED),
}


@pytest.mark.parametrize(("parts", "step", "reason"), STEPS.values(), ids=STEPS.keys())
def test_the_next_step(parts: dict[str, Any], step: Step, reason: Reason | None) -> None:
    found = decided(**parts)
    assert (found.step, found.reason) == (step, reason)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"outcome": Outcome.NOT_EMPTY}, "it still has members"),
        ({"outcome": Outcome.UNREACHABLE}, "Kafka at events-plain:9092 could not be asked in time"),
        ({"outcome": None}, "Kafka at events-plain:9092 could not be asked in time"),
        ({"deployment": deployment()}, "its workers have not ended in time"),
    ],
)
def test_after_two_minutes_the_group_is_left_behind_and_the_reason_is_said(
    parts: dict[str, Any], why: str
) -> None:
    found = decided(consumer=gone(120), **parts)

    assert (found.step, found.reason) == (Step.RELEASE, Reason.GROUP_RETAINED)
    assert found.message == f"consumer group notification-service was not deleted: {why}"


def test_a_second_before_that_it_still_waits() -> None:
    assert decided(consumer=gone(119), outcome=Outcome.NOT_EMPTY).step is Step.DELETE_GROUP
    assert left(world(consumer=gone(119)), now=NOW) == timedelta(seconds=1)
