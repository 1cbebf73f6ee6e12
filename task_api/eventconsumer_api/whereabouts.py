"""Where an event is on its way from its commit to the topic, and how deep the outbox is.

Plain values for people to look at: nothing is decided by them. Unknown is None, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class Place(StrEnum):
    """Where an event is."""

    WAITING = "waiting"
    """In the outbox: Kafka has not acknowledged it."""
    PUBLISHED = "published"
    """In the topic, acknowledged."""
    REJECTED = "rejected"
    """Set aside in the outbox: Kafka will never take it."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where one event is."""

    event_id: UUID
    event_type: str
    place: Place
    since: datetime
    """When the event was committed or, once it is published, when that was noted."""
    partition: int | None = None
    offset: int | None = None
    reason: str | None = None
    """Why Kafka will never take it."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """An event, with what people know its task by."""

    task_id: UUID
    title: str
    owner_id: UUID | None
    event: Whereabouts


@dataclass(frozen=True, slots=True)
class Depth:
    """How many events wait, for how long, and how many never will be published."""

    pending: int
    """Counted up to 10,000."""
    oldest: datetime | None
    """When the first of the waiting events was committed; None when nothing waits."""
    rejected: int
    """Counted up to 10,000."""

    def oldest_seconds(self, now: datetime) -> float:
        """Return how long the first of the waiting events has waited; 0 when nothing waits."""
        if self.oldest is None:
            return 0.0
        # Another machine's clock may be ahead of ours.
        return max(0.0, (now - self.oldest).total_seconds())


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the database found."""

    at: datetime
    depth: Depth | None
    """None when the database did not answer."""
    newest: tuple[Sighting, ...] = ()
    """The newest waiting, rejected and published events, newest first."""
