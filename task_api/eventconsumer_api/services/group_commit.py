"""New tasks of many requests in one transaction: each waits for a commit, none has one of its own.

A commit waits for the disk, whatever it holds. Tasks that arrive in the same turn of the loop, or while a
commit is under way, are written together; a task that arrives alone is written at once. Invariant: `write`
returns after the commit that holds its task and event, or raises with nothing of them written.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass
from queue import SimpleQueue
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


class GroupCommit:
    """The thread that writes the new tasks of one loop; ``committed`` is called after each of its commits."""

    def __init__(self, database: Database, committed: Callable[[], None]) -> None:
        self._database = database
        self._committed = committed
        self._arrived: deque[_Waiting] = deque()
        # What wakes the thread: True for tasks that wait, False for the end.
        self._calls: SimpleQueue[bool] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="group-commit")

    def start(self) -> None:
        """Begin to write what the running loop brings."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """Write what has arrived, and end."""
        self._calls.put(False)
        self._thread.join()

    async def write(self, creation: Creation) -> None:
        """Return once task and event are on disk; raises DatabaseUnavailable."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(creation, loop.create_future())
        self._arrived.append(waiting)
        if len(self._arrived) == 1:
            # Behind the other requests of this turn: woken at once, the thread would take the first alone,
            # and the interpreter away from the others.
            loop.call_soon(self._calls.put, True)
        await waiting.written

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            goes_on = self._calls.get()
            while self._arrived:
                unavailable = self._commit(self._gathered(_LARGEST_GROUP))
                if unavailable:
                    self._settle(self._gathered(len(self._arrived)), _nothing_sent(unavailable))

    def _gathered(self, most: int) -> list[_Waiting]:
        first = [self._arrived.popleft() for _ in range(min(len(self._arrived), most))]
        # Nobody would learn of a task whose request was ended at a shutdown.
        return [waiting for waiting in first if not waiting.written.cancelled()]

    def _commit(self, group: Sequence[_Waiting]) -> DatabaseUnavailable | None:
        """Write a group and tell it what became of it; return why the database could not take it."""
        if not group:
            return None
        try:
            with self._database.write() as connection:
                write(connection, [waiting.creation for waiting in group])
        except DatabaseUnavailable as unavailable:
            self._settle(group, unavailable)
            return unavailable
        except Exception as failure:  # noqa: BLE001  # whatever it is, it is for the request to answer
            if len(group) > 1:
                # One of them is to blame, and the others have nothing to do with it.
                return self._commit_each(group)
            self._settle(group, failure)
        else:
            self._committed()
            self._settle(group, None)
        return None

    def _commit_each(self, group: Sequence[_Waiting]) -> DatabaseUnavailable | None:
        for position, waiting in enumerate(group, start=1):
            unavailable = self._commit([waiting])
            if unavailable:
                self._settle(group[position:], _nothing_sent(unavailable))
                return unavailable
        return None

    def _settle(self, group: Sequence[_Waiting], failure: Exception | None) -> None:
        # One call for all: to wake the loop costs a system call.
        self._loop.call_soon_threadsafe(_tell, group, failure)


def _nothing_sent(unavailable: DatabaseUnavailable) -> DatabaseUnavailable:
    # Plain where the outcome of those that were sent is unknown: of these it is known.
    return DatabaseUnavailable(str(unavailable))


def _tell(group: Sequence[_Waiting], failure: Exception | None) -> None:
    for waiting in group:
        if waiting.written.done():
            continue  # Its request is gone.
        if failure is None:
            waiting.written.set_result(None)
        else:
            waiting.written.set_exception(failure)
