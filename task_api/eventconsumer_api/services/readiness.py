"""Whether this process can do its work. Kafka is no part of it: the outbox keeps events while it is away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventconsumer_api.storage import outbox, trial
from eventconsumer_api.storage.database import Database, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a look at database and relay found."""

    database: bool
    relay: bool | None
    """Whether the relay runs; None where it is switched off."""
    waiting_events: int | None
    """Events that Kafka has not acknowledged, counted up to 10,000; None when the database does not say."""

    @property
    def ready(self) -> bool:
        """Whether requests should come here."""
        return self.database and self.relay is not False


class ReadinessService:
    """Looks at the database, at its tables through ``prepared``, and at the relay through ``relay_alive``.

    ``relay_alive`` is None where the relay is off.
    """

    def __init__(
        self, database: Database, *, prepared: Callable[[], bool], relay_alive: Callable[[], bool] | None
    ) -> None:
        self._database = database
        self._prepared = prepared
        self._relay_alive = relay_alive

    def look(self) -> Readiness:
        """Say how things are now."""
        relay = None if self._relay_alive is None else self._relay_alive()
        try:
            with self._database.read() as connection:
                depth = outbox.depth(connection)
            # A database that is healthy is never written to for this.
            if self._database.refused_last_change:
                trial.change(self._database)
        except DatabaseUnavailable:
            return Readiness(database=False, relay=relay, waiting_events=None)
        return Readiness(database=self._prepared(), relay=relay, waiting_events=depth)
