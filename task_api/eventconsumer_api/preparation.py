"""Brings the tables up to date when the process starts, however long the database makes it wait.

The process serves meanwhile: it is alive, not ready, and answers 503. So a database that starts later than
the API, or is migrated by somebody else, costs no restart.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from eventconsumer_api.storage import schema
from eventconsumer_api.storage.database import DatabaseUnavailable
from eventconsumer_api.storage.schema import SchemaMismatch

if TYPE_CHECKING:
    from eventconsumer_api.storage.database import Database

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 2.0

Mode = Literal["run", "check"]


class Preparation:
    """Migrates the database, or waits until somebody did, as ``mode`` says."""

    def __init__(self, database: Database, mode: Mode) -> None:
        self._database = database
        self._act = schema.migrate if mode == "run" else schema.check
        self._done = False
        self._task: asyncio.Task[None] | None = None

    def done(self) -> bool:
        """Say whether the tables are those this version works with."""
        return self._done

    async def start(self) -> None:
        """Try once; go on behind the requests where that did not do it."""
        await self._try()
        if not self._done:
            self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Give up."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _go_on(self) -> None:
        while not self._done:
            await asyncio.sleep(_PAUSE_SECONDS)
            await self._try()
        _log.info("The database is ready")

    async def _try(self) -> None:
        try:
            await asyncio.to_thread(self._act, self._database)
        except (DatabaseUnavailable, SchemaMismatch) as failure:
            _log.error("The database is not ready, next try in %.0f s: %s", _PAUSE_SECONDS, failure)
        else:
            self._done = True
