"""Workers around the loop, and work that is as busy as a test says."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from eventconsumer_workers.batches import Batches
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.health import Pulse
from eventconsumer_workers.letterbox import LetterBox
from eventconsumer_workers.loop import Loop, Surroundings
from eventconsumer_workers.watermark import Place
from tests.unit.workers.stand_ins import Counting, Handling, Membership, read

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from eventconsumer_workers.dead_letters import Letter
    from eventconsumer_workers.loop import Work
    from eventconsumer_workers.sorting import Sorted


def worked(
    membership: Membership,
    handler: Handling,
    *,
    reading: Callable[..., Any] = read,
    pulse: Pulse | None = None,
) -> Pulse:
    """Run a worker to its end."""
    pulse = pulse or Pulse()
    observer = Counting()
    follow(membership, Batches(handler, observer, membership.sure), observer, pulse=pulse, reading=reading)
    return pulse


def follow(
    membership: Membership,
    work: Work,
    observer: Any,
    *,
    pulse: Pulse | None = None,
    reading: Callable[..., Any] = read,
) -> None:
    """Run a worker that works in this way to its end."""
    member: Any = membership
    Loop(
        member,
        work,
        LetterBox(Settings(kind=Kind.AUDIT), observer),
        read=reading,
        around=Surroundings(observer, pulse or Pulse(), membership.stop),
    ).run()


class Clock:
    """Stands in for the module ``time``."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Events:
    """Work by the event that is as full and as busy as a test says, and sets ``last`` aside at its end."""

    def __init__(self, *rooms: int, busy: bool = False, last: Letter | None = None) -> None:
        self.busy = busy
        self.awaited: Callable[[], object] = lambda: None
        self._rooms = deque(rooms)
        self._last = last
        self._letters: list[Letter] = []
        self._done: list[Place] = []

    def room(self) -> int:
        return self._rooms.popleft() if self._rooms else 1

    def await_room(self, seconds: float) -> None:
        del seconds
        self.awaited()

    def letters(self) -> list[Letter]:
        letters, self._letters = self._letters, []
        return letters

    def settled(self, has: Callable[[int], bool]) -> None:
        if self._last is not None and has(self._last.number):
            self._done = [Place(0, (self._last.record.offset() or 0) + 1)]

    def progress(self) -> list[Place]:
        return self._done

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        del partitions
        return {}

    def finish(self) -> None:
        if self._last is not None:
            self._letters.append(self._last)

    def take(self, batch: Sorted) -> None: ...
    def proceed(self) -> None: ...
    def revoked(self, partitions: Collection[int]) -> None: ...
    def lost(self, partitions: Collection[int]) -> None: ...
