"""The story of a worker: receive, sort, set aside, work, commit; then again, until told to stop.

Invariant: an offset is committed only after all messages before it are settled, each handled, passed by or
in the dead-letter topic. What cannot be settled now is tried again with growing pauses, in which the worker
stays in its group; nothing is skipped and nothing is lost, however it ends. A partition that is lost is
neither committed nor worked on.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from eventconsumer_workers.handlers import NotDone

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from threading import Event as Flag

    from eventconsumer_workers.broker import Message, Subscription
    from eventconsumer_workers.dead_letters import Letter
    from eventconsumer_workers.handlers import Record
    from eventconsumer_workers.health import Pulse
    from eventconsumer_workers.letterbox import LetterBox
    from eventconsumer_workers.metrics import Metrics
    from eventconsumer_workers.sorting import Sorted
    from eventconsumer_workers.watermark import Place

_log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_IDLE_SECONDS = 1.0
_COMMIT_SECONDS = 0.1
_LOOK_SECONDS = 0.02
_LETTER_SECONDS = 1.0
_ROOM_SECONDS = 0.2
# A crew that is full for longer is slow: the partitions are paused, and the worker keeps polling.
_FULL_SECONDS = 2.0


class Work(Protocol):
    """How messages are worked on: by the batch (``Batches``) or by the event (``Crew``)."""

    @property
    def busy(self) -> bool:
        """Whether work goes on while messages are received."""

    def room(self) -> int:
        """Return how many messages it takes now."""

    def await_room(self, seconds: float) -> None:
        """Wait until it takes more, for so long at most."""

    def take(self, batch: Sorted) -> None:
        """Take messages."""

    def proceed(self) -> None:
        """Do what has to be done on the loop's thread; raise ``NotDone`` to be called again."""

    def letters(self) -> list[Letter]:
        """Return the dead letters that came up since the last time."""

    def settled(self, has: Callable[[int], bool]) -> None:
        """Hear that the dead-letter topic has letters that were returned: ``has`` says it by their number."""

    def progress(self) -> list[Place]:
        """Return how far partitions are done, where that changed since the last time."""

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Take over partitions; return where to begin, where that is not what is committed."""

    def revoked(self, partitions: Collection[int]) -> None:
        """Give partitions back."""

    def lost(self, partitions: Collection[int]) -> None:
        """Forget partitions."""

    def finish(self) -> None:
        """Finish what was begun."""


@dataclass(slots=True)
class _Kept:
    """Progress that waits for the letters up to a number."""

    letters: int
    places: list[Place]
    since: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Whom a worker tells about itself, and who tells it to end."""

    observer: Metrics
    pulse: Pulse
    stop: Flag


class Loop:
    """One worker at work.

    ``read`` says what messages are, of the first of them where all would take too long, or raises
    ``NotDone`` while it can't.
    """

    def __init__(
        self,
        subscription: Subscription,
        work: Work,
        letters: LetterBox,
        *,
        read: Callable[[Sequence[Record]], Sorted],
        around: Surroundings,
    ) -> None:
        self._subscription = subscription
        self._work = work
        self._letters = letters
        self._read = read
        self._observer = around.observer
        self._pulse = around.pulse
        self._stop = around.stop
        self._partitions: set[int] = set()
        self._commit_at: float | None = None
        self._kept: _Kept | None = None
        self._full_since: float | None = None
        self._pause = _FIRST_PAUSE_SECONDS

    def run(self) -> None:
        """Work until the flag is raised, then commit and leave the group."""
        self._subscription.subscribe(self)
        try:
            while not self._stop.is_set():
                self._turn()
            self._work.finish()
            self._last_commit()
        finally:
            self._subscription.close()

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Take over partitions; wait here, a member of the group, until that can be done."""
        self._partitions.update(partitions)
        self._observer.assigned(len(self._partitions))
        pause = _FIRST_PAUSE_SECONDS
        with self._pulse.attempts():
            while not self._stop.is_set():
                try:
                    return self._work.assigned(partitions)
                except NotDone as obstacle:
                    self._tell(obstacle, pause)
                    self._stop.wait(pause)
                    self._pulse.turn(joined=True)
                    pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        return {}

    def revoked(self, partitions: Collection[int]) -> Iterable[Place]:
        """Give partitions back; return how far they are done."""
        self._work.revoked(partitions)
        done = self._done_by_now()
        self._gone(partitions)
        return done

    def lost(self, partitions: Collection[int]) -> None:
        """Forget partitions that may have another owner already."""
        self._work.lost(partitions)
        self._gone(partitions)

    def _turn(self) -> None:
        if room := self._work.room():
            self._full_since = None
            batch = self._subscription.receive(limit=room, wait=self._patience())
            if batch:
                self._begin(batch)
            else:
                # What could not be read is no longer ours.
                self._pulse.wait_for(None)
                if self._commit_at is None:
                    self._subscription.commit(())
        else:
            self._await_room()
        self._persist(self._work.proceed)
        self._pulse.turn(joined=self._subscription.joined)
        self._keep_membership()
        if self._commit_at is not None and time.monotonic() >= self._commit_at:
            self._commit_at = None
            self._persist(self._commit)

    def _patience(self) -> float:
        if self._commit_at is None:
            return _IDLE_SECONDS
        return max(0.0, self._commit_at - time.monotonic())

    def _begin(self, batch: list[Message]) -> None:
        if not self._subscription.sure():
            self._subscription.confirm()
            self._subscription.put_back(batch)
            return
        try:
            sorted_ = self._read(batch)
        except NotDone as obstacle:
            self._put_off(batch, obstacle)
            return
        self._pause = _FIRST_PAUSE_SECONDS
        self._pulse.wait_for(None)
        if rest := batch[len(sorted_.records) :]:
            self._subscription.put_back(rest)
        if passed_by := sorted_.passed_by():
            self._observer.filtered(passed_by)
        self._work.take(sorted_)
        if letters := self._work.letters():
            self._letters.add(letters)
        if self._commit_at is None:
            self._commit_at = time.monotonic() + _COMMIT_SECONDS

    def _put_off(self, batch: list[Message], obstacle: NotDone) -> None:
        """Leave messages with the subscription, which knows when they are no longer ours, and pause."""
        self._tell(obstacle, self._pause)
        self._subscription.put_back(batch)
        self._wait(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)

    def _await_room(self) -> None:
        now = time.monotonic()
        self._full_since = self._full_since or now
        if now - self._full_since < _FULL_SECONDS:
            self._work.await_room(_ROOM_SECONDS)
        else:
            self._subscription.hold(_ROOM_SECONDS)

    def _keep_membership(self) -> None:
        if self._work.busy and not self._subscription.sure():
            self._subscription.confirm()

    def _commit(self) -> None:
        """Commit how far the work is, once the letters written up to there are settled.

        They are not waited for while messages flow: the progress is kept until they are.
        """
        self._letters.add(self._work.letters())
        self._work.settled(self._letters.has)
        again = self._kept is not None or self._work.busy
        if self._kept is None:
            self._kept = _Kept(self._letters.last(), self._work.progress(), time.monotonic())
        if not self._letters.has_settled(self._kept.letters):
            if time.monotonic() - self._kept.since < _LETTER_SECONDS and not self._letters.stuck():
                self._commit_at = time.monotonic() + _LOOK_SECONDS
                return
            self._letters.settle()
        places, self._kept = self._kept.places, None
        self._work.settled(self._letters.has)
        self._subscription.commit(places)
        if again or places:
            # What was done or settled meanwhile is not in what was kept: another commit has to follow.
            self._commit_at = time.monotonic() + _COMMIT_SECONDS

    def _done_by_now(self) -> Iterable[Place]:
        self._letters.add(self._work.letters())
        try:
            self._letters.settle()
        except NotDone as obstacle:
            _log.warning("%s; their messages come again", obstacle)
            return ()
        self._work.settled(self._letters.has)
        kept, self._kept = self._kept, None
        return [*(kept.places if kept else ()), *self._work.progress()]

    def _last_commit(self) -> None:
        self._subscription.commit(self._done_by_now())

    def _gone(self, partitions: Collection[int]) -> None:
        self._partitions.difference_update(partitions)
        if self._kept is not None:
            self._kept.places = [place for place in self._kept.places if place.partition not in partitions]
        self._observer.assigned(len(self._partitions))

    def _persist(self, work: Callable[[], None]) -> None:
        """Try until the work is done or the worker is told to stop."""
        pause = _FIRST_PAUSE_SECONDS
        with self._pulse.attempts():
            while not self._stop.is_set():
                try:
                    work()
                except NotDone as obstacle:
                    self._tell(obstacle, pause)
                    self._wait(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                else:
                    return

    def _tell(self, obstacle: NotDone, pause: float) -> None:
        """Say what stands in the way, which the next attempt finds there still, as far as we know."""
        _log.error("%s; next attempt in %.1f s", obstacle, pause)
        self._pulse.wait_for(str(obstacle))

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._stop.is_set() and (left := deadline - time.monotonic()) > 0:
            if not self._subscription.sure():
                self._subscription.confirm()
            self._subscription.hold(min(left, 1.0))
            self._pulse.turn(joined=self._subscription.joined)
