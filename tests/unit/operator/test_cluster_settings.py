"""What a cluster is set to keep is asked for rarely, and for a new topic at once."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from eventconsumer_operator.cluster_settings import GOOD_FOR_SECONDS, ClusterSettings
from eventconsumer_operator.retention import Retention

if TYPE_CHECKING:
    from collections.abc import Collection

KEEPS = {"retention.ms": "1000", "retention.bytes": "-1", "cleanup.policy": "delete"}


@dataclass
class Telling:
    """A cluster that notes what it is asked, and keeps one topic to itself."""

    asked: list[list[str]] = field(default_factory=list)
    kept: list[float] = field(default_factory=lambda: [20.0, 10.0])

    async def topic_settings(self, topics: Collection[str]) -> dict[str, dict[str, str]]:
        self.asked.append(sorted(topics))
        return {topic: KEEPS for topic in topics if topic != "secret"}

    async def offsets_kept(self) -> float | None:
        return self.kept.pop()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the test say what time it is."""
    now = [5000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[-1])
    return now


def test_everything_is_asked_for_again_when_it_is_old_and_a_new_topic_at_once(clock: list[float]) -> None:
    telling, settings = Telling(), ClusterSettings()

    async def learn(*topics: str, after: float = 0.0) -> float | None:
        clock.append(clock[-1] + after)
        await settings.learn(telling, topics)
        return settings.offsets_kept

    async def story() -> list[float | None]:
        return [
            await learn("a"),
            await learn("a", "b", after=GOOD_FOR_SECONDS - 1),
            await learn("a", "b"),
            await learn("a", "b", after=1.0),
        ]

    assert asyncio.run(story()) == [10.0, 10.0, 10.0, 20.0]
    assert telling.asked == [["a"], ["b"], ["a", "b"]]


@pytest.mark.usefixtures("clock")
def test_what_is_kept_to_itself_is_not_known_and_not_asked_for_each_time() -> None:
    telling, settings = Telling(), ClusterSettings()

    async def story() -> None:
        await settings.learn(telling, ["a", "secret"])
        await settings.learn(telling, ["a", "secret"])

    asyncio.run(story())
    assert (settings.retention("a"), settings.retention("secret")) == (Retention(1.0, None), None)
    assert len(telling.asked) == 1
