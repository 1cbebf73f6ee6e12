"""Events that Kafka refused, for people: which they are, and letting them go again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_api.storage import outbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_api.storage.database import Database
    from eventconsumer_api.storage.outbox import RejectedEvent

_SHOWN = 1000


class RejectedEventService:
    """Works on the rows of the outbox that have a reason why Kafka did not take them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self) -> list[RejectedEvent]:
        """Return the oldest thousand."""
        with self._database.read() as connection:
            return outbox.rejected(connection, limit=_SHOWN)

    def retry(self, sequences: Sequence[int] | None) -> int:
        """Let these wait for the relay again, all of them for None; return how many there were."""
        with self._database.write() as connection:
            return outbox.retry(connection, sequences)
