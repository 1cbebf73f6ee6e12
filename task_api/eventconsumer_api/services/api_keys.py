"""API keys: made, listed, revoked and checked. A revoked key stays in the list, for whoever asks later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eventconsumer_api.api_keys import ApiKey, hash_of, id_of, new_key
from eventconsumer_api.storage import api_keys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from eventconsumer_api.principal import Principal
    from eventconsumer_api.storage.database import Database


class ApiKeyNotFound(Exception):  # noqa: N818  # an answer to the caller, not a mistake in the program
    """There is no key with this id."""


class ApiKeyService:
    """Every operation on API keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, *, name: str, subject: str, admin: bool) -> tuple[ApiKey, str]:
        """Make a key; return what is stored of it, and the key itself, which is nowhere else."""
        key_id, key = new_key()
        made = ApiKey(
            id=key_id,
            name=name,
            hash=hash_of(key),
            subject=subject,
            admin=admin,
            created_at=datetime.now(UTC),
        )
        with self._database.write() as connection:
            api_keys.add(connection, made)
        return made, key

    def every(self) -> Sequence[ApiKey]:
        """Return every key, oldest first."""
        with self._database.read() as connection:
            return api_keys.every(connection)

    def revoke(self, key_id: UUID) -> ApiKey:
        """Take a key back, at once and for good; raises ApiKeyNotFound."""
        with self._database.write() as connection:
            api_keys.revoke(connection, key_id, datetime.now(UTC))
            revoked = api_keys.get(connection, key_id)
        if revoked is None:
            raise ApiKeyNotFound(f"There is no key {key_id}.")
        return revoked

    def bearer(self, key: str) -> Principal | None:
        """Return who bears a key, or None for one that does not count."""
        key_id = id_of(key)
        if key_id is None:
            return None
        with self._database.read() as connection:
            found = api_keys.get(connection, key_id)
        return found.principal if found is not None and found.opens_for(key) else None
