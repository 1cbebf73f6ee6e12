"""API keys: what they are, who bears them, and how long a revoked one is remembered."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from eventconsumer_api.api_keys import ApiKey, hash_of, id_of, new_key
from eventconsumer_api.guarding.keys import Keys
from eventconsumer_api.guarding.refusals import Refused
from eventconsumer_api.services.api_keys import ApiKeyNotFound, ApiKeyService

if TYPE_CHECKING:
    from pathlib import Path

    from eventconsumer_api.principal import Principal
    from eventconsumer_api.storage.database import Database


@pytest.fixture
def service(database: Database) -> ApiKeyService:
    return ApiKeyService(database)


def test_a_key_has_256_random_bits_and_tells_its_id() -> None:
    (first_id, first), (_, second) = new_key(), new_key()
    secret = first.split("_", 2)[2]
    assert len(base64.urlsafe_b64decode(secret + "=")) == 32
    assert id_of(first) == first_id
    assert first != second


@pytest.mark.parametrize(
    "text", ["", "ec_", "ec_abc_def", f"ec_{UUID(int=7).hex}", f"xy_{UUID(int=7).hex}_secret"]
)
def test_what_is_no_key_has_no_id(text: str) -> None:
    assert id_of(text) is None


def test_a_key_opens_until_it_is_revoked() -> None:
    key_id, key = new_key()
    made = ApiKey(key_id, "ci", hash_of(key), "ci", admin=False, created_at=datetime.now(UTC))
    assert made.opens_for(key)
    assert not made.opens_for(f"{key}x")
    revoked = ApiKey(key_id, "ci", hash_of(key), "ci", False, made.created_at, datetime.now(UTC))
    assert not revoked.opens_for(key)


def test_the_bearer_of_a_key_is_whom_it_was_made_for(service: ApiKeyService) -> None:
    owner_id = uuid4()
    _, plain = service.create(name="ci", subject="ci", admin=False)
    _, named = service.create(name="for ann", subject=str(owner_id), admin=True)
    ci, ann = service.bearer(plain), service.bearer(named)
    assert ci is not None
    assert ann is not None
    assert (ci.subject, ci.admin) == ("ci", False)
    assert (ann.owner_id, ann.admin) == (owner_id, True)


def test_a_changed_or_revoked_key_has_no_bearer(service: ApiKeyService) -> None:
    made, key = service.create(name="ci", subject="ci", admin=False)
    assert service.bearer(key[:-1] + ("A" if key[-1] != "A" else "B")) is None
    service.revoke(made.id)
    assert service.bearer(key) is None
    assert [each.revoked_at is not None for each in service.every()] == [True]


def test_revoking_twice_keeps_the_first_moment(service: ApiKeyService) -> None:
    made, _ = service.create(name="ci", subject="ci", admin=False)
    assert service.revoke(made.id) == service.revoke(made.id)


def test_a_key_that_is_not_there_can_not_be_revoked(service: ApiKeyService) -> None:
    with pytest.raises(ApiKeyNotFound):
        service.revoke(uuid4())


def test_the_key_itself_is_nowhere_in_the_database(
    service: ApiKeyService, database: Database, tmp_path: Path
) -> None:
    _, key = service.create(name="ci", subject="ci", admin=False)
    with database.write() as connection:
        connection.execute(text("UPDATE api_keys SET name = name"))
    database.close()
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert hash_of(key).encode() in held
    assert key.split("_", 2)[2].encode() not in held


def test_the_guard_asks_the_database_once_in_five_seconds(service: ApiKeyService) -> None:
    made, key = service.create(name="ci", subject="ci", admin=False)
    clock, asked = [0.0], list[str]()

    def look_up(text: str) -> Principal | None:
        asked.append(text)
        return service.bearer(text)

    keys = Keys(look_up, now=lambda: clock[0])
    for _ in range(3):
        assert asyncio.run(keys.bearer(key)).subject == "ci"
    assert len(asked) == 1
    service.revoke(made.id)
    clock[0] = 5.0
    with pytest.raises(Refused, match="unknown or was revoked"):
        asyncio.run(keys.bearer(key))
