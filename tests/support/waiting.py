"""What waits in the outbox, by its names: the relay itself reads rows as plain as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_api.storage import outbox
from eventconsumer_api.storage.outbox import WaitingEvent

if TYPE_CHECKING:
    from sqlalchemy import Connection


def waiting_events(connection: Connection) -> list[WaitingEvent]:
    """Return the events that wait, a thousand at most, in the order of their changes."""
    return [WaitingEvent._make(row) for row in outbox.waiting(connection, limit=1000)]
