"""A crew of two threads and its handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers import crew as crews
from eventconsumer_workers.crew import Crew
from eventconsumer_workers.retry import Backoff
from tests.unit.workers.crew.builders import Hands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.workers.stand_ins import Counting


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def sure() -> list[bool]:
    """Return answers to whether the partitions are ours; after the last one, they are."""
    return []


@pytest.fixture
def crew(
    hands: Hands, observer: Counting, sure: list[bool], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Crew]:
    """Return two threads that have partition 0."""
    monkeypatch.setattr(crews, "_OBSTACLE_SECONDS", 0.001)
    made = Crew(
        hands,
        concurrency=2,
        backoff=Backoff(attempts=3, initial=0.001, longest=0.001),
        observer=observer,
        still_ours=lambda: sure.pop() if sure else True,
    )
    made.assigned({0})
    yield made
    for flag in hands.blocked.values():
        flag.set()
    made.finish()
