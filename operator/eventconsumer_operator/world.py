"""The state of the world that one decision is made from: gathered once, then only read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from eventconsumer_operator.lag import Lag, PartitionLag
    from eventconsumer_operator.membership import Member
    from eventconsumer_operator.models import EventConsumer, Manifest
    from eventconsumer_operator.names import ObjectKey
    from eventconsumer_operator.retention import Retention
    from eventconsumer_operator.scaling import Decision
    from eventconsumer_operator.verdict import Look


@dataclass(frozen=True, slots=True)
class Observation:
    """What Kafka said about one consumer group, or that it could not be asked."""

    lag: Lag
    observed_at: datetime
    topic_exists: bool | None = None
    """None while Kafka could not be asked."""
    behind_seconds: int | None = None
    behind_estimated: bool | None = None
    """Whether the age is interpolated from the log's growth; None while it is unknown."""
    group_state: str | None = None
    members: int | None = None
    topic: str | None = None
    """The topic that was asked about."""
    dead_letters: int | None = None
    """Records in the dead-letter topic; None where there is no such topic or no answer."""
    who: tuple[Member, ...] | None = None
    """The members themselves."""
    worst: Sequence[PartitionLag] = ()
    fault: str | None = None
    """Why Kafka could not be asked, and what helps; None where that is not known."""
    retention: Retention | None = None
    """What the topic keeps; None where that is not known or nothing is deleted."""
    offsets_kept: float | None = None
    """For how many seconds Kafka keeps an empty group's offsets; None where it does not tell."""
    window: tuple[Look, ...] = field(default=(), compare=False)
    """The looks up to this one; they are no news by themselves."""


@dataclass(frozen=True)
class World:
    """Everything known about one EventConsumer."""

    consumer: EventConsumer
    status: Manifest = field(default_factory=dict)
    """The status as the API server has it."""
    topic: Manifest | None = None
    kafka: Manifest | None = None
    user: Manifest | None = None
    """The KafkaUser that the workers log in as."""
    strimzi_served: bool = True
    """Whether the API server knows KafkaTopics at all."""
    users_served: bool = True
    """Whether it knows KafkaUsers."""
    deployment: Manifest | None = None
    claim: Manifest | None = None
    observation: Observation | None = None
    crew_since: datetime | None = None
    """Since when as many workers are ready as now; None where that was not followed."""
    pods: tuple[Manifest, ...] = ()
    """The workers' pods, without what no decision reads."""
    group_owner: ObjectKey | None = None
    """The older EventConsumer that has this one's consumer group, if there is one."""
    scaled: Decision | None = None
    """How many workers lag calls for; None where the resource names their number itself."""

    @property
    def replicas(self) -> int:
        """Return how many workers should run: a pause and a lost group win over everything that scales."""
        if self.consumer.spec.paused or self.group_owner is not None:
            return 0
        return self.scaled.desired if self.scaled else self.consumer.spec.replicas

    @property
    def conditions(self) -> dict[str, Manifest]:
        """Return the conditions that the API server has, by their type."""
        return {entry.get("type", ""): entry for entry in self.status.get("conditions", [])}

    def count(self, name: str) -> int:
        """Return a figure of the Deployment's status; 0 where there is none."""
        number: int = (self.deployment or {}).get("status", {}).get(name) or 0
        return number


def asked_too_early(world: World) -> bool:
    """Tell whether workers came or went after Kafka was asked, so that the two can't be compared."""
    seen = world.observation
    return bool(seen and world.crew_since and seen.observed_at <= world.crew_since)


def awaits_first_answer(world: World) -> bool:
    """Tell whether a first status lacks only what Kafka is about to say: then one is written, and not two."""
    return not world.status and world.observation is None
