"""A change that is no task: how one finds out whether a database takes changes again.

It needs the lock and the disk as any change does, and more room than one task, so what it finds holds for a
task too. Its rows are those of an idempotency key that nobody can send.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sqlalchemy import delete, insert

from eventconsumer_api.storage.tables import idempotency_keys

if TYPE_CHECKING:
    from eventconsumer_api.storage.database import Database

_NOBODY = ""
_ROWS = 100
_KEY_CHARACTERS = 255


def change(database: Database) -> None:
    """Write some 60 KB and take them away again; raises DatabaseUnavailable."""
    clear = delete(idempotency_keys).where(idempotency_keys.c.owner == _NOBODY)
    mark = uuid4()  # another replica may try at the same time
    rows = [
        {
            "owner": _NOBODY,
            "key": f"{mark}-{number}".ljust(_KEY_CHARACTERS, "-"),
            "request_hash": "",
            "task_id": UUID(int=0),
            "created_at": datetime.now(UTC),
        }
        for number in range(_ROWS)
    ]
    with database.write() as connection:
        # What an earlier try could not take away any more.
        connection.execute(clear)
        connection.execute(insert(idempotency_keys), rows)
    # Two commits: pages that are filled and emptied within one are never written.
    with database.write() as connection:
        connection.execute(clear)
