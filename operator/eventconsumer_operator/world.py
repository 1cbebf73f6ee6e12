"""The state of the world that one decision is made from: gathered once, then only read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from eventconsumer_operator.lag import Lag
    from eventconsumer_operator.models import EventConsumer, Manifest


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
