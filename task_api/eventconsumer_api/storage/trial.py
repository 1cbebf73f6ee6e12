"""A change that leaves nothing behind: how one finds out whether a database takes changes again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import delete, insert

from eventconsumer_api.storage.tables import idempotency_keys

if TYPE_CHECKING:
    from sqlalchemy import Connection


def write(connection: Connection) -> None:
    """Write a row and take it away; the commit behind it needs the lock and the disk as any other does."""
    mark = uuid4()
    row = {
        "owner": "",
        "key": str(mark),
        "request_hash": "",
        "task_id": mark,
        "created_at": datetime.now(UTC),
    }
    connection.execute(insert(idempotency_keys), row)
    connection.execute(delete(idempotency_keys).where(idempotency_keys.c.key == str(mark)))
