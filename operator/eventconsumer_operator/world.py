"""The state of the world that one decision is made from: gathered once, then only read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from eventconsumer_operator.lag import Lag
    from eventconsumer_operator.models import EventConsumer, Manifest
    from eventconsumer_operator.names import ObjectKey


@dataclass(frozen=True)
class Observation:
    """What Kafka said about one consumer group, or that it could not be asked."""

    lag: Lag
    observed_at: datetime
    topic_exists: bool | None = None
    """None while Kafka could not be asked."""
    behind_seconds: int | None = None
    group_state: str | None = None
    members: int | None = None


@dataclass(frozen=True)
class World:
    """Everything known about one EventConsumer."""

    consumer: EventConsumer
    status: Manifest = field(default_factory=dict)
    """The status as the API server has it."""
    topic: Manifest | None = None
    kafka: Manifest | None = None
    strimzi_served: bool = True
    """Whether the API server knows KafkaTopics at all."""
    deployment: Manifest | None = None
    claim: Manifest | None = None
    observation: Observation | None = None
    pods: tuple[Manifest, ...] = ()
    """The workers' pods, without what no decision reads."""
    group_owner: ObjectKey | None = None
    """The older EventConsumer that has this one's consumer group, if there is one."""

    @property
    def replicas(self) -> int:
        """Return how many workers should run: a pause and a lost group win over everything that scales."""
        if self.consumer.spec.paused or self.group_owner is not None:
            return 0
        return self.consumer.spec.replicas
