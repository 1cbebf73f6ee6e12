"""One sink at work: its own threads, its own backlog, its own circuit breaker; no other sink waits for it.

What becomes of a delivery:

* the receiver has it: settled.
* ``Refused``: set aside at once, for no attempt would change it.
* ``Unavailable`` while other deliveries pass: tried again with growing pauses and set aside after the sink's
  attempts; deliveries of other keys go on.
* ``Unavailable`` again and again, so that the breaker opens: the sink is down. Nothing counts as an attempt
  then; single probes find out when it is back, and all that waited goes out, in order. Only when it is down
  for longer than it may hold events is everything set aside that waits for it.
* ``Busy``: the receiver sets the pace and nobody counts. One that is nothing else is down all the same.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from eventconsumer_workers.sinks import Busy, Refused, Unavailable
from eventconsumer_workers.sinks.backlog import Aside, Backlog
from eventconsumer_workers.sinks.breaker import Breaker, backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from eventconsumer_workers.sinks import Sink
    from eventconsumer_workers.sinks.backlog import Delivery

_log = logging.getLogger(__name__)

_LAST_DELIVERY_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a sink is waited for."""

    attempts: int
    """Attempts at one delivery while others pass."""
    hold_seconds: float
    """How long deliveries wait for a sink that is down."""
    concurrency: int
    """Deliveries under way at once, of different keys."""
    first_pause_seconds: float
    """Before the second attempt; it doubles from attempt to attempt."""
    longest_pause_seconds: float
    """The longest one, between attempts and between the probes of a sink that is down."""


class Observer(Protocol):
    """Who wants to know how a sink does; called from its threads."""

    def attempted(self, sink: str, result: str, seconds: float) -> None:
        """Note one attempt: ``delivered``, ``refused``, ``busy`` or ``unavailable``."""

    def state(self, sink: str, *, waiting: int, is_open: bool) -> None:
        """Note how many deliveries wait, and whether they do so because the breaker is open."""


class Courier:
    """The deliveries of one sink."""

    def __init__(self, name: str, sink: Sink, patience: Patience, observer: Observer) -> None:
        self.name = name
        self._sink = sink
        self._patience = patience
        self._observer = observer
        # Spreads attempts over time; nobody gains by guessing it.
        self._chance: Callable[[], float] = random.random
        self._backlog = Backlog()
        self._breaker = Breaker(
            self._chance, first=patience.first_pause_seconds, longest=patience.longest_pause_seconds
        )
        self._down_since: float | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"sink-{name}-{number}", daemon=True)
            for number in range(patience.concurrency)
        ]
        for thread in self._threads:
            thread.start()

    def __len__(self) -> int:
        """Return the number of deliveries that are not settled."""
        return len(self._backlog)

    def add(self, delivery: Delivery) -> None:
        """Take on a delivery; its turn comes by itself."""
        with self._changed:
            self._backlog.add(delivery, time.monotonic())
            self._note()
            self._changed.notify()

    def down_for(self) -> float:
        """Return for how many seconds every attempt has failed; 0 for a sink that is well or idle."""
        since = self._down_since
        return 0.0 if since is None else time.monotonic() - since

    def shed(self, count: int, reason: str) -> None:
        """Set aside the oldest deliveries that wait."""
        with self._changed:
            shed = self._backlog.shed(count)
            self._note()
        for delivery in shed:
            delivery.settled(Aside(f"{self.name}: {reason}", refused=False, attempts=delivery.attempts))

    def release(self, partition: object, finished: int) -> list[Delivery]:
        """Forget the deliveries of a partition that were not begun, and return them.

        What lies below one that is out, or below the highest offset that is finished, is still delivered:
        that other one would come twice else. A sink that is down can't, and keeps only what is out.
        """
        with self._changed:
            begun = [offset for place, offset in self._out_places() if place is partition]
            kept = -1 if self._breaker.is_open else max([finished, *begun])
            return self._dropped(lambda delivery: delivery.place[0] is partition and delivery.place[1] > kept)

    def drop(self, partition: object) -> list[Delivery]:
        """Forget all deliveries of a partition and return those that are not out."""
        with self._changed:
            for delivery in self._backlog.out():
                if delivery.place[0] is partition:
                    delivery.ours = False
            return self._dropped(lambda delivery: delivery.place[0] is partition)

    def close(self) -> None:
        """End after the deliveries that are out; what waits stays unsettled."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        deadline = time.monotonic() + _LAST_DELIVERY_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._sink.close()

    def _dropped(self, unwanted: Callable[[Delivery], bool]) -> list[Delivery]:
        dropped = self._backlog.drop(unwanted)
        self._note()
        return dropped

    def _note(self) -> None:
        """Tell how it stands; called under the lock, or an older state could be told after a newer one."""
        waiting = len(self._backlog)
        if not waiting:
            # Nobody asks the sink any more: how it did then says nothing about the next delivery.
            self._down_since = None
        self._observer.state(self.name, waiting=waiting, is_open=waiting > 0 and self._breaker.is_open)

    def _out_places(self) -> list[tuple[object, int]]:
        return [delivery.place for delivery in self._backlog.out()]

    def _work(self) -> None:
        while (delivery := self._next()) is not None:
            began = time.monotonic()
            fault: Exception | None = None
            try:
                self._sink.deliver(delivery.notification)
            except (Refused, Unavailable) as outcome:
                fault = outcome
            except Exception as bug:  # noqa: BLE001  # whatever it is, it ends no thread and stops no partition
                _log.exception("The sink %s failed in a way that it does not know", self.name)
                fault = Refused(f"a bug of the sink: {type(bug).__name__}")
            self._settle(delivery, fault, time.monotonic() - began)

    def _next(self) -> Delivery | None:
        """Wait for a delivery that may go out now; return None when it was closed."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                pause = self._breaker.wait(now)
                if pause == 0:
                    delivery = self._backlog.take(now)
                    if delivery is not None:
                        self._breaker.begin()
                        return delivery
                    due = self._backlog.next_due()
                    pause = None if due is None else max(0.0, due - now)
                self._changed.wait(pause)
        return None

    def _settle(self, delivery: Delivery, fault: Exception | None, seconds: float) -> None:
        with self._changed:
            shed, reason = self._outcome(delivery, fault, time.monotonic())
            self._note()
            self._changed.notify_all()
        self._observer.attempted(self.name, _result(fault), seconds)
        for one in shed:
            one.settled(None if reason is None else Aside(reason, isinstance(fault, Refused), one.attempts))

    def _outcome(
        self, delivery: Delivery, fault: Exception | None, now: float
    ) -> tuple[list[Delivery], str | None]:
        """Return the deliveries that are settled by this attempt, and why they are set aside."""
        if isinstance(fault, Unavailable):
            return self._failure(delivery, fault, now), f"{self.name}: {fault}"
        self._breaker.succeeded()
        self._down_since = None
        self._backlog.done(delivery, now)
        return [delivery], None if fault is None else f"{self.name}: {fault}"

    def _failure(self, delivery: Delivery, fault: Unavailable, now: float) -> list[Delivery]:
        was_open = self._breaker.is_open
        if isinstance(fault, Busy):
            self._breaker.pause(now, fault.seconds)
        else:
            self._breaker.failed(now)
        self._down_since = now if self._down_since is None else self._down_since
        if now - self._down_since > self._patience.hold_seconds:
            self._backlog.done(delivery, now)
            return [delivery, *self._backlog.shed(len(self._backlog))]
        if not delivery.ours:
            self._backlog.done(delivery, now)
            return []
        if was_open or isinstance(fault, Busy):
            # Behind all others, so that one bad event as the probe can't keep a sink down.
            self._backlog.again(delivery, now)
            return []
        _log.warning("The sink %s failed: %s", self.name, fault)
        delivery.failures += 1
        if not self._breaker.is_open and delivery.failures >= self._patience.attempts:
            self._backlog.done(delivery, now)
            return [delivery]
        pause = backoff(
            delivery.failures,
            first=self._patience.first_pause_seconds,
            longest=self._patience.longest_pause_seconds,
            chance=self._chance(),
        )
        self._backlog.again(delivery, now + pause)
        return []


def _result(fault: Exception | None) -> str:
    for kind, word in ((Refused, "refused"), (Busy, "busy"), (Unavailable, "unavailable")):
        if isinstance(fault, kind):
            return word
    return "delivered"
