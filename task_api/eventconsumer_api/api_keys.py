"""What an API key is: `ec_`, its id, and 256 random bits. Pure but for the randomness.

Invariant: the key itself is nowhere but in the hands it was given to; a database holds a hash of it. Because
a key is random, its plain SHA-256 tells nothing about it, and checking one costs microseconds.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from eventconsumer_api.principal import Principal, owner_id_of

if TYPE_CHECKING:
    from datetime import datetime

PREFIX = "ec_"
"""By which a key is told from a token, and found where it should not be."""

_SECRET_BYTES = 32
_ISSUER = "api-key"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is stored of a key."""

    id: UUID
    name: str
    hash: str
    subject: str
    admin: bool
    created_at: datetime
    revoked_at: datetime | None = None

    @property
    def principal(self) -> Principal:
        """Who its bearer is."""
        owner_id = owner_id_of(_ISSUER, self.subject)
        return Principal(subject=self.subject, owner_id=owner_id, admin=self.admin)

    def opens_for(self, key: str) -> bool:
        """Say whether this is the key and still counts; how long that takes tells nothing about the hash."""
        return hmac.compare_digest(hash_of(key), self.hash) and self.revoked_at is None


def new_key() -> tuple[UUID, str]:
    """Make a key; return its id and the key itself."""
    key_id = uuid4()
    return key_id, f"{PREFIX}{key_id.hex}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def hash_of(key: str) -> str:
    """Return what is stored of a key: its SHA-256 in hex."""
    return hashlib.sha256(key.encode()).hexdigest()


def id_of(key: str) -> UUID | None:
    """Return the id that a key names, or None for what is no key."""
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    if f"{prefix}_" != PREFIX or not secret:
        return None
    try:
        return UUID(hex=key_id)
    except ValueError:
        return None
