"""Statements on the table `idempotency_keys`. Invariant: of all who use a key at once, one gets it.

The others wait at the key's row until that one's transaction ends: then they find its task, or the key free.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from eventconsumer_api.storage.tables import idempotency_keys

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Connection

_columns = idempotency_keys.c
# A few hundredths of a second: somebody's request waits for it, and on SQLite everybody who writes.
_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key, and what its owner used it for."""

    owner: str
    key: str
    request_hash: str
    task_id: UUID
    created_at: datetime


def take(connection: Connection, use: KeyUse, *, forgotten_before: datetime) -> KeyUse:
    """Return the given use if the key was free or is forgotten, else the use that it has."""
    new = _insert(connection)
    taking = new.on_conflict_do_update(
        index_elements=[_columns.owner, _columns.key],
        set_={name: new.excluded[name] for name in ("request_hash", "task_id", "created_at")},
        where=_columns.created_at < forgotten_before,
    ).returning(_columns.key)
    if connection.execute(taking, asdict(use)).one_or_none() is not None:
        return use
    holder = (_columns.owner == use.owner) & (_columns.key == use.key)
    return KeyUse(*connection.execute(select(idempotency_keys).where(holder)).one())


def prune(connection: Connection, *, before: datetime) -> bool:
    """Delete up to 5,000 keys that were used before a time; return whether more may be left."""
    holder = (_columns.owner, _columns.key)
    some = select(*holder).where(_columns.created_at < before).order_by(_columns.created_at).limit(_AT_ONCE)
    return connection.execute(delete(idempotency_keys).where(tuple_(*holder).in_(some))).rowcount == _AT_ONCE


def _insert(connection: Connection) -> sqlite.Insert | postgresql.Insert:
    # Both databases have the clause, SQLAlchemy has it in the words of each.
    is_sqlite = connection.dialect.name == "sqlite"
    return sqlite.insert(idempotency_keys) if is_sqlite else postgresql.insert(idempotency_keys)
