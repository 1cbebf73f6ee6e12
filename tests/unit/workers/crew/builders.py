"""A handler that does as a test says, and looks at how far a crew is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.support.eventually import eventually
from tests.unit.workers.stand_ins import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from confluent_kafka import Message

    from eventconsumer_workers.crew import Crew
    from eventconsumer_workers.dead_letters import Letter
    from eventconsumer_workers.handlers import Delivery


class Hands:
    """A handler whose attempts end as ``outcomes`` says by offset, and wait where ``blocked`` does."""

    def __init__(self) -> None:
        self.outcomes: dict[int, list[BaseException]] = {}
        self.blocked: dict[int, threading.Event] = {}
        self.given: list[Delivery] = []
        self.begun: list[int] = []
        self.done: list[int] = []

    def block(self, offset: int) -> threading.Event:
        """Let an attempt wait until the flag is raised."""
        return self.blocked.setdefault(offset, threading.Event())

    def deliver(self, delivery: Delivery) -> None:
        """Handle one event."""
        offset = delivery.record.offset() or 0
        self.given.append(delivery)
        self.begun.append(offset)
        if offset in self.blocked:
            assert self.blocked[offset].wait(30)
        if self.outcomes.get(offset):
            raise self.outcomes[offset].pop(0)
        self.done.append(offset)

    def close(self) -> None:
        """Hold nothing."""


def keyed(*offsets: int) -> list[Message]:
    """Return events of keys of their own."""
    return [one for offset in offsets for one in messages(offset, key=b"key %d" % offset)]


def low(crew: Crew) -> dict[int, int]:
    return {place.partition: place.offset for place in crew.progress()}


def await_low(crew: Crew, offset: int) -> None:
    eventually("it is done", lambda: low(crew), until={0: offset}.__eq__, every=0.001)


def await_(what: str, probe: Callable[[], object]) -> None:
    eventually(what, probe, every=0.001)


def free_when_dropped(crew: Crew, left: int, *flags: threading.Event) -> None:
    """Let attempts end once the crew has dropped all events but so many."""

    def free() -> None:
        await_("the rest is dropped", lambda: len(crew._lanes) == left)
        for flag in flags:
            flag.set()

    threading.Thread(target=free, daemon=True).start()


def await_letters(crew: Crew, count: int) -> list[Letter]:
    found: list[Letter] = []

    def enough() -> bool:
        found.extend(crew.letters())
        return len(found) == count

    await_("letters", enough)
    return found


def told(letters: Sequence[Letter]) -> list[tuple[str, str, int]]:
    return [(letter.cause, letter.error, letter.attempts) for letter in letters]
