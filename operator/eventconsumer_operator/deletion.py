"""What is left to do for an EventConsumer that is being deleted and takes its consumer group along. Pure.

The order keeps a group from coming back: workers end first, then the group is deleted, then the finalizer
goes. It always goes: after ``PATIENCE`` the group is left behind and that is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from eventconsumer_operator.checks import owned
from eventconsumer_operator.names import Reason
from eventconsumer_operator.outcome import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from eventconsumer_operator.connection import Connection
    from eventconsumer_operator.names import ObjectKey
    from eventconsumer_operator.world import World

PATIENCE = timedelta(minutes=2)
"""How long after its deletion a resource may wait for its group."""


class Step(StrEnum):
    """What comes next."""

    STOP_WORKERS = "stop workers"
    DELETE_GROUP = "delete group"
    RELEASE = "release"


@dataclass(frozen=True)
class Parting:
    """The next step, and what a person should be told about it."""

    step: Step
    reason: Reason | None = None
    message: str = ""


def parting(
    world: World,
    connection: Connection | None,
    *,
    heir: ObjectKey | None,
    outcome: Outcome | None,
    now: datetime,
) -> Parting:
    """Decide how the deletion of a resource goes on; ``outcome`` is how deleting the group last went."""
    group = world.consumer.group_id
    if world.consumer.spec.deletion_policy != "Delete":
        return Parting(Step.RELEASE)
    if outcome is Outcome.DONE:
        return Parting(Step.RELEASE, Reason.GROUP_DELETED, f"consumer group {group} was deleted")
    user = heir or world.group_owner
    if user is not None:
        return _retained(group, f"the EventConsumer {'/'.join(user)} uses it")
    if connection is None:
        return _retained(group, "it is not known any more which Kafka it is on")
    stopped = _stopped(world)
    if left(world, now=now) <= timedelta(0):
        return _retained(group, _why_late(connection, outcome, stopped=stopped))
    return Parting(Step.DELETE_GROUP if stopped else Step.STOP_WORKERS)


def left(world: World, *, now: datetime) -> timedelta:
    """Return how much of its patience a resource that is being deleted has left."""
    since = world.consumer.metadata.deletion_timestamp
    return PATIENCE - (now - since) if since else PATIENCE


def _retained(group: str, why: str) -> Parting:
    return Parting(Step.RELEASE, Reason.GROUP_RETAINED, f"consumer group {group} was not deleted: {why}")


def _why_late(connection: Connection, outcome: Outcome | None, *, stopped: bool) -> str:
    if not stopped:
        return "its workers have not ended in time"
    if outcome is Outcome.NOT_EMPTY:
        return "it still has members"
    return f"Kafka at {connection.bootstrap_servers} could not be asked in time"


def _stopped(world: World) -> bool:
    """Tell whether no worker runs that could join the group again."""
    deployment = world.deployment
    if deployment is None or not owned(deployment, world.consumer.metadata.uid):
        return True
    status = deployment.get("status", {})
    return (
        deployment.get("spec", {}).get("replicas") == 0
        and status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 1)
        and not status.get("replicas")
    )
