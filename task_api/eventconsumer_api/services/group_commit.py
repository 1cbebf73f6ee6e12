"""New tasks of many requests in one transaction: each waits for a commit, none has one of its own.

A commit waits for the disk, whatever it holds. While one is under way, the tasks that arrive gather for the
next; a task that arrives alone is written at once. Invariant: `write` returns after the commit that holds its
task and event, or raises with nothing of them written.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from eventconsumer_api.services.creation import write
from eventconsumer_api.storage.database import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eventconsumer_api.services.creation import Creation
    from eventconsumer_api.storage.database import Database

# So many are written within a few milliseconds; others may want to write too.
_LARGEST_GROUP = 200


@dataclass(frozen=True, slots=True)
class _Waiting:
    creation: Creation
    written: asyncio.Future[None]
    loop: asyncio.AbstractEventLoop


class GroupCommit:
    """The thread that writes new tasks; ``committed`` is called after each of its commits."""

    def __init__(self, database: Database, committed: Callable[[], None]) -> None:
        self._database = database
        self._committed = committed
        self._arrived: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="group-commit")

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what has arrived, and end."""
        self._arrived.put(None)
        self._thread.join()

    async def write(self, creation: Creation) -> None:
        """Return once task and event are on disk; raises DatabaseUnavailable."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(creation, loop.create_future(), loop)
        self._arrived.put(waiting)
        await waiting.written

    def _run(self) -> None:
        while (first := self._arrived.get()) is not None:
            self._commit([first, *self._gathered()])

    def _gathered(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        while len(group) < _LARGEST_GROUP:
            try:
                waiting = self._arrived.get_nowait()
            except Empty:
                break
            if waiting is None:
                self._arrived.put(None)  # The end is for `_run` to find, behind this group.
                break
            group.append(waiting)
        return group

    def _commit(self, group: Sequence[_Waiting]) -> None:
        creations = [waiting.creation for waiting in group]
        try:
            with self._database.write() as connection:
                write(connection, creations)
        except DatabaseUnavailable as unavailable:
            _settle(group, unavailable)
        except Exception as failure:  # noqa: BLE001  # whatever it is, it is for the request to answer
            if len(group) == 1:
                _settle(group, failure)
                return
            # One of them is to blame, and the others have nothing to do with it.
            for waiting in group:
                self._commit([waiting])
        else:
            self._committed()
            _settle(group, None)


def _settle(group: Sequence[_Waiting], failure: Exception | None) -> None:
    # One call into each loop, and in a server there is one: waking it costs a system call.
    for loop in {waiting.loop for waiting in group}:
        futures = [waiting.written for waiting in group if waiting.loop is loop]
        loop.call_soon_threadsafe(_tell, futures, failure)


def _tell(futures: Sequence[asyncio.Future[None]], failure: Exception | None) -> None:
    for future in futures:
        if future.done():
            continue  # Its request is gone.
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
