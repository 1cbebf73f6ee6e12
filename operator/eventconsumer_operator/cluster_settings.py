"""What one Kafka cluster is set to keep, asked for rarely: people change it once a year.

A cluster that does not tell (the right to describe settings is one of its own) is asked again later, and what
it did not tell is unknown; lag is never delayed by that.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from eventconsumer_operator.retention import Retention

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

GOOD_FOR_SECONDS = 600.0


class Teller(Protocol):
    """Tells how a cluster is set."""

    async def topic_settings(self, topics: Collection[str]) -> Mapping[str, Mapping[str, str]]:
        """Return each topic's settings; one that may not be read is absent."""
        ...

    async def offsets_kept(self) -> float | None:
        """Return for how many seconds an empty group's offsets are kept; None where that is not told."""
        ...


class ClusterSettings:
    """The settings of one cluster, as they were told last."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._retentions: dict[str, Retention | None] = {}
        self._asked_at = float("-inf")
        self.offsets_kept: float | None = None
        """For how many seconds an empty group's offsets are kept; None where that is not known."""

    async def learn(self, teller: Teller, topics: Collection[str]) -> None:
        """Ask about new topics, and about everything where the last answer is old."""
        now = time.monotonic()
        old = now - self._asked_at >= GOOD_FOR_SECONDS
        asked = list(topics) if old else [topic for topic in topics if topic not in self._retentions]
        if old:
            self._asked_at = now
            self._retentions.clear()
            self.offsets_kept = await teller.offsets_kept()
        if asked:
            told = await teller.topic_settings(asked)
            self._retentions |= {topic: Retention.of(told.get(topic, {})) for topic in asked}

    def retention(self, topic: str) -> Retention | None:
        """Return what a topic keeps; None where that is not known or it keeps everything it may."""
        return self._retentions.get(topic)
