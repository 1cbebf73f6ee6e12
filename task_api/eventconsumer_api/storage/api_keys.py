"""Statements on the table `api_keys`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from eventconsumer_api.api_keys import ApiKey
from eventconsumer_api.storage.tables import api_keys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Connection


def add(connection: Connection, key: ApiKey) -> None:
    """Write a new key."""
    connection.execute(insert(api_keys), asdict(key))


def get(connection: Connection, key_id: UUID) -> ApiKey | None:
    """Return what is stored of a key, or None when there is none with this id."""
    row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).one_or_none()
    return None if row is None else ApiKey(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it


def every(connection: Connection) -> Sequence[ApiKey]:
    """Return every key, oldest first."""
    rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))
    return [ApiKey(**row._mapping) for row in rows]  # noqa: SLF001  # SQLAlchemy's public name for it


def revoke(connection: Connection, key_id: UUID, when: datetime) -> None:
    """Write since when a key does not count; a moment that is there already stays."""
    statement = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
    connection.execute(statement, {"revoked_at": when})
