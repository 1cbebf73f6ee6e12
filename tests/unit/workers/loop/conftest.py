"""The dead-letter topic of a loop's tests, and turns that take no time."""

from __future__ import annotations

import pytest

from eventconsumer_workers import letterbox, loop
from tests.unit.workers.stand_ins import Topic


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each turn commit, and pauses be over soon."""
    monkeypatch.setattr(loop, "_COMMIT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(loop, "_FIRST_PAUSE_SECONDS", 0.001)


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    """Return the dead-letter topic."""
    found = Topic()
    monkeypatch.setattr(letterbox, "Producer", lambda *_, **__: found)
    return found
