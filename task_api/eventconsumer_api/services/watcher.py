"""One pair of eyes on the outbox for everybody who watches it.

Invariants: while nobody watches, nothing is asked; while somebody does, the database is looked at once in
1.5 s, however many they are. A viewer who reads slowly misses looks and holds nothing up.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from eventconsumer_api.whereabouts import Look

_log = logging.getLogger(__name__)

# A look is three queries: two a second.
_EVERY_SECONDS = 1.5
_VIEWERS = 100
# Five minutes, as the page draws them.
_REMEMBERED_LOOKS = 200
# Who may watch is asked when a stream begins: a key that was taken back is of no use for longer than this.
_STREAM_SECONDS = 300.0


class TooManyViewers(Exception):  # noqa: N818  # an answer to the caller, not a mistake in the program
    """Every place to watch from is taken."""


class Watcher:
    """Calls ``look`` in a thread while somebody watches, and hands what it found to all of them."""

    def __init__(
        self, look: Callable[[], Look], *, every: float = _EVERY_SECONDS, viewers: int = _VIEWERS
    ) -> None:
        self._look = look
        self._every = every
        self._places = viewers
        self._viewers = 0
        self._recent: deque[Look] = deque(maxlen=_REMEMBERED_LOOKS)
        self._newest: Look | None = None
        self._news = asyncio.Condition()
        self._ended = False
        self._task: asyncio.Task[None] | None = None

    @property
    def recent(self) -> Sequence[Look]:
        """What was found in the last minutes that somebody watched."""
        return tuple(self._recent)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Be one of the viewers for the length of the block; raises TooManyViewers."""
        if self._viewers >= self._places:
            raise TooManyViewers
        self._viewers += 1
        try:
            if self._task is None:
                self._task = asyncio.create_task(self._watch())
            yield
        finally:
            self._viewers -= 1

    async def follow(self) -> AsyncIterator[Look]:
        """Give each new look, for five minutes or until the process ends; take a `place` first."""
        seen: Look | None = None
        until = asyncio.get_running_loop().time() + _STREAM_SECONDS
        while asyncio.get_running_loop().time() < until:
            async with self._news:
                while self._newest is seen and not self._ended:
                    await self._news.wait()
            if self._ended:
                return
            seen = self._newest
            if seen is not None:
                yield seen

    async def end(self) -> None:
        """Let every stream end, so that a process that stops waits for none of them."""
        self._ended = True
        async with self._news:
            self._news.notify_all()

    async def close(self) -> None:
        """End every stream, and look no more."""
        await self.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while self._viewers and not self._ended:
            try:
                look = await asyncio.to_thread(self._look)
            except Exception:  # noqa: BLE001  # one bad look must not blind everybody
                _log.exception("The outbox could not be looked at")
            else:
                self._recent.append(look)
                self._newest = look
                async with self._news:
                    self._news.notify_all()
            await asyncio.sleep(self._every)
        self._task = None
        self._newest = None
