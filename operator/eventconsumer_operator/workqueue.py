"""The queue between whoever notices something and the reconciler: what keys have to be looked at, and when.

Invariants: a key waits at most once, is worked on by at most one worker at a time, and one that is added
while it is being worked on is worked on again afterwards. A key that fails comes back later and later, and
never blocks others.

Somebody's change goes first: what is looked at by the clock, perhaps a thousand keys at a time, waits behind
it. And between two keys everybody else on the event loop has a turn, the watches and the answers of the API
server among them.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from enum import IntEnum, auto
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from eventconsumer_operator.names import ObjectKey

logger = logging.getLogger(__name__)

FIRST_RETRY = 0.5
LONGEST_RETRY = 60.0


class _Rank(IntEnum):
    """Who goes first."""

    NEWS = auto()
    ROUTINE = auto()


class WorkQueue:
    """Keys that wait, keys being worked on, and keys that are due later."""

    def __init__(self, handle: Callable[[ObjectKey], Awaitable[None]], *, workers: int) -> None:
        """Work on keys with ``handle``, on as many at the same time as there are workers."""
        self._handle = handle
        self._workers = workers
        self._queue: asyncio.PriorityQueue[tuple[_Rank, int, ObjectKey]] = asyncio.PriorityQueue()
        self._numbers = count()
        self._turn = asyncio.Lock()
        self._waiting: dict[ObjectKey, _Rank] = {}
        self._running: set[ObjectKey] = set()
        self._failures: dict[ObjectKey, int] = {}
        self._later: dict[ObjectKey, asyncio.TimerHandle] = {}
        # A plan may stand for a day: it would else keep whatever its maker's context held.
        self._nobody = Context()

    def add(self, key: ObjectKey) -> None:
        """Have a key worked on as soon as a worker is free."""
        self._add(key, _Rank.NEWS)

    def add_behind(self, key: ObjectKey) -> None:
        """Have a key worked on as soon as a worker is free and nobody was added with ``add``."""
        self._add(key, _Rank.ROUTINE)

    def add_after(self, key: ObjectKey, seconds: float) -> None:
        """Add a key behind all others in so many seconds; of several such wishes the earliest counts."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        planned = self._later.get(key)
        if planned is not None and planned.when() <= due:
            return
        if planned is not None:
            planned.cancel()
        self._later[key] = loop.call_at(due, self._due, key, context=self._nobody)

    def depth(self) -> int:
        """Return how many keys wait."""
        return len(self._waiting)

    async def run(self) -> None:
        """Work until cancelled; what waits then is worked on in the next run."""
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._workers):
                    group.create_task(self._work(), name=f"reconciler {number}")
        finally:
            for planned in self._later.values():
                planned.cancel()
            self._later.clear()

    def _due(self, key: ObjectKey) -> None:
        del self._later[key]
        self.add_behind(key)

    def _add(self, key: ObjectKey, rank: _Rank) -> None:
        if self._waiting.get(key, rank + 1) <= rank:
            return
        self._waiting[key] = rank
        if key not in self._running:
            self._put(key)

    def _put(self, key: ObjectKey) -> None:
        self._queue.put_nowait((self._waiting[key], next(self._numbers), key))

    async def _next(self) -> ObjectKey:
        """Wait for the next key, and for a turn of everybody else."""
        async with self._turn:
            await asyncio.sleep(0)
            while True:
                _, _, key = await self._queue.get()
                # A key that was moved forward is in the queue twice; it may have been worked on since.
                if key in self._waiting and key not in self._running:
                    return key

    async def _work(self) -> None:
        while True:
            key = await self._next()
            del self._waiting[key]
            self._running.add(key)
            try:
                await self._handle(key)
            except Exception as failure:  # noqa: BLE001  # one resource's bug must not end the work on all others
                self._retry(key, failure)
            else:
                self._failures.pop(key, None)
            finally:
                self._running.discard(key)
                if key in self._waiting:
                    self._put(key)

    def _retry(self, key: ObjectKey, failure: Exception) -> None:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(failures, 10))
        logger.warning(
            "%s: %s; again in %.1f s",
            "/".join(key),
            str(failure) or type(failure).__name__,
            delay,
            exc_info=_trace(failure),
            extra={"resource": key},
        )
        self.add_after(key, delay)


def _trace(failure: Exception) -> Exception | None:
    """Show where a failure came from, unless it is one of the outside world's that its message explains."""
    return None if getattr(failure, "expected", False) else failure
