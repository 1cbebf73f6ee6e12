"""Whether the workers, and nobody else, are in the group and share all partitions. Pure.

A pod that is ready and not in the group handles nothing, and a consumer that someone else started in the same
group takes records away without a trace: neither shows in pods or in lag. While a group shares its partitions
out anew, and while workers come or go, the answer given before holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from eventconsumer_operator.conditions import Answer
from eventconsumer_operator.names import ConditionType, Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from eventconsumer_operator.models import EventConsumer

_LISTED = 5
_POD_NAME_BASE = 58
"""Kubernetes cuts a Deployment's pod names here, before it appends five random characters."""
_SETTLED = frozenset({"Stable", "Empty", "Dead"})

_KEPT = frozenset(
    {Reason.ALL_JOINED, Reason.IDLE_MEMBERS, Reason.MEMBERS_MISSING, Reason.PARTITIONS_UNASSIGNED}
)


@dataclass(frozen=True, order=True)
class Member:
    """One consumer in a group."""

    client_id: str
    host: str
    partitions: tuple[tuple[str, int], ...] = ()
    """The topics' partitions that are assigned to it."""

    @property
    def name(self) -> str:
        """Return who this is, for people: Kafka writes a host as /10.0.0.1."""
        return f"{self.client_id} at {self.host.lstrip('/')}"


@dataclass(frozen=True)
class Expected:
    """Who should be in the group, and what they should share."""

    replicas: int
    ready: int
    topic: str | None
    partitions: int | None
    settled: bool = True
    """Whether Kafka was asked after the last worker had come or gone."""


def ours(consumer: EventConsumer, members: Collection[Member]) -> list[Member]:
    """Return the members that are this consumer's workers: their client ids are their pods' names.

    A template that sets CLIENT_ID is believed; where it takes it from elsewhere, nobody can be told apart.
    """
    given = next((entry for entry in consumer.spec.template.env if entry.get("name") == "CLIENT_ID"), None)
    if given is None:
        prefix = f"{consumer.metadata.name}-"[:_POD_NAME_BASE]
        return [member for member in members if member.client_id.startswith(prefix)]
    if "value" not in given or "$(" in given["value"]:
        return list(members)
    return [member for member in members if member.client_id == given["value"]]


def consumers_joined(
    consumer: EventConsumer,
    state: str | None,
    members: Sequence[Member] | None,
    expected: Expected,
    *,
    previous: Mapping[str, str] | None,
) -> Answer:
    """Answer whether those are in the group that should be; ``previous`` is the condition given last."""
    if members is None or state is None:
        return _answer("Unknown", Reason.GROUP_UNKNOWN, "Kafka can't be asked who is in the group")
    workers = ours(consumer, members)
    foreign = sorted(set(members) - set(workers))
    if foreign:
        return _answer("False", Reason.FOREIGN_MEMBERS, _foreign(foreign))
    if state not in _SETTLED or not expected.settled:
        return _unchanged(previous)
    return _compare(workers, expected)


def _compare(workers: Sequence[Member], expected: Expected) -> Answer:
    wanted = max(expected.ready, 1) if expected.replicas else expected.ready
    if len(workers) < wanted:
        said = f"{len(workers)} workers are in the group, and {expected.ready} are ready"
        return _answer("False", Reason.MEMBERS_MISSING, said)
    if not wanted:
        return _answer("True", Reason.ALL_JOINED, "nobody should be in the group, and nobody is")
    shared = {number for member in workers for topic, number in member.partitions if topic == expected.topic}
    unassigned = [number for number in range(expected.partitions or 0) if number not in shared]
    if unassigned:
        said = f"assigned to no worker: partitions {_listed([str(number) for number in unassigned])}"
        return _answer("False", Reason.PARTITIONS_UNASSIGNED, said)
    idle = sum(1 for member in workers if not member.partitions)
    if idle and expected.partitions is not None and len(workers) > expected.partitions:
        said = f"{idle} of {len(workers)} workers idle: the topic has {expected.partitions} partitions"
        return _answer("True", Reason.IDLE_MEMBERS, said)
    return _answer("True", Reason.ALL_JOINED, "all ready workers are in the group and share all partitions")


def _foreign(members: Sequence[Member]) -> str:
    return (
        f"not started by this EventConsumer and in its group: {_listed([member.name for member in members])}"
    )


def _listed(words: Sequence[str]) -> str:
    more = len(words) - _LISTED
    return ", ".join(words[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _unchanged(previous: Mapping[str, str] | None) -> Answer:
    if previous and previous.get("reason") in _KEPT:
        status: Literal["True", "False"] = "True" if previous["status"] == "True" else "False"
        return _answer(status, Reason(previous["reason"]), previous["message"])
    return _answer(
        "Unknown", Reason.REBALANCING, "workers are coming or going, and partitions are shared out anew"
    )


def _answer(status: Literal["True", "False", "Unknown"], reason: Reason, message: str) -> Answer:
    return Answer(ConditionType.CONSUMERS_JOINED, status, reason, message)
