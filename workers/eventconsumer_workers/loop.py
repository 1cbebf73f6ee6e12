"""The story of a worker: receive, sort, set aside, handle, commit; then again, until told to stop.

Invariant: the offsets of a batch are committed only after all of it is settled, each message handled or in
the dead-letter topic. What cannot be settled now is tried again with growing pauses, in which the worker
stays in its group; nothing is skipped and nothing is lost, however it ends.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from eventconsumer_workers.envelope import Event, Rejected, read_all
from eventconsumer_workers.handlers import Batch, BatchHandler, NotDone

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event as Flag

    from eventconsumer_workers.broker import Message, Subscription
    from eventconsumer_workers.health import Pulse

_log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0


class Loop:
    """One worker at work."""

    def __init__(
        self,
        subscription: Subscription,
        handler: BatchHandler,
        *,
        wanted: frozenset[str],
        pulse: Pulse,
        stop: Flag,
    ) -> None:
        self._subscription = subscription
        self._handler = handler
        self._wanted = wanted
        self._pulse = pulse
        self._stop = stop

    def run(self) -> None:
        """Work until the flag is raised, then commit and leave the group."""
        self._subscription.subscribe(self._handler)
        try:
            while not self._stop.is_set():
                batch = self._subscription.receive()
                self._pulse.turn(joined=self._subscription.joined)
                if batch:
                    self._settle(batch)
        finally:
            self._subscription.close()

    def _settle(self, batch: list[Message]) -> None:
        events, records, rejected = sort(batch, self._wanted)
        if rejected and not self._persist(lambda: self._set_aside(rejected)):
            return
        work = Batch(events, records, self._subscription.still_ours)
        if events and not self._persist(lambda: self._handler.handle(work)):
            return
        self._subscription.done(batch)

    def _set_aside(self, rejected: list[tuple[Message, str]]) -> None:
        self._subscription.set_aside(rejected)
        for message, reason in rejected:
            _log.warning(
                "Set aside partition %s offset %s: %s", message.partition(), message.offset(), reason
            )

    def _persist(self, work: Callable[[], None]) -> bool:
        """Try until the work is done; return False when the worker is told to stop before."""
        pause = _FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            try:
                work()
            except NotDone as obstacle:
                _log.error("%s; next attempt in %.1f s", obstacle, pause)
                with self._pulse.waiting(str(obstacle)):
                    self._wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                return True
        return False

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._stop.is_set() and (left := deadline - time.monotonic()) > 0:
            self._subscription.hold(min(left, 1.0))
            self._pulse.turn(joined=self._subscription.joined)


def sort(
    batch: list[Message], wanted: frozenset[str]
) -> tuple[list[Event], list[Message], list[tuple[Message, str]]]:
    """Return the wanted events of a batch, their messages, and what is no event with the reasons."""
    events: list[Event] = []
    records: list[Message] = []
    rejected: list[tuple[Message, str]] = []
    for message, found in zip(batch, read_all([one.value() for one in batch], wanted), strict=True):
        if isinstance(found, Rejected):
            rejected.append((message, str(found)))
        elif found is not None:
            events.append(found)
            records.append(message)
    return events, records, rejected
