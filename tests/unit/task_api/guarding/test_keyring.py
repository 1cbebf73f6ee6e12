"""When the identity provider is asked for its keys, and what happens while it is away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from eventconsumer_api.guarding.keyring import Keyring
from eventconsumer_api.guarding.refusals import CannotTell, Refused
from tests.support.identity_provider import IdentityProvider


class Provider:
    """Counts how often it is asked, and may be away."""

    def __init__(self) -> None:
        self.provider = IdentityProvider()
        self.asked = 0
        self.away = False
        self.clock = 1000.0
        self.ring = Keyring(self._load, ["EdDSA"], now=lambda: self.clock)

    @property
    def key_id(self) -> str:
        return str(self.provider.jwks["keys"][0]["kid"])

    def find(self, key_id: str | None) -> str | None:
        return asyncio.run(self.ring.key(key_id)).key_id

    def _load(self) -> Any:
        self.asked += 1
        if self.away:
            raise OSError("connection refused")
        return self.provider.jwks


@pytest.fixture
def provider() -> Provider:
    return Provider()


def test_the_provider_is_asked_once_for_many_tokens(provider: Provider) -> None:
    assert [provider.find(provider.key_id) for _ in range(5)] == [provider.key_id] * 5
    assert provider.asked == 1


def test_known_keys_are_kept_for_five_minutes_without_asking_again(provider: Provider) -> None:
    provider.find(provider.key_id)
    for _ in range(9):
        provider.clock += 30
        provider.find(provider.key_id)
    assert provider.asked == 1


def test_a_rotated_key_is_found_at_its_first_token(provider: Provider) -> None:
    provider.find(provider.key_id)
    provider.provider.rotate()
    provider.clock += 11
    assert provider.find(provider.key_id) == provider.key_id


def test_made_up_key_ids_ask_the_provider_at_most_every_ten_seconds(provider: Provider) -> None:
    provider.find(provider.key_id)
    for number in range(20):
        provider.clock += 1
        with pytest.raises(Refused):
            provider.find(f"made up {number}")
    assert provider.asked == 3


def test_a_key_that_was_taken_back_counts_no_longer_than_five_minutes(provider: Provider) -> None:
    taken_back = provider.key_id
    provider.find(taken_back)
    provider.provider.rotate()
    provider.clock += 301
    with pytest.raises(Refused):
        provider.find(taken_back)


def test_a_provider_that_is_away_takes_nothing_from_known_keys(provider: Provider) -> None:
    provider.find(provider.key_id)
    provider.away = True
    provider.clock += 3600
    assert provider.find(provider.key_id) == provider.key_id
    with pytest.raises(Refused):
        provider.find("made up")


def test_before_its_first_answer_nobody_can_tell_who_calls(provider: Provider) -> None:
    provider.away = True
    with pytest.raises(CannotTell):
        provider.find(provider.key_id)
    provider.away = False
    provider.clock += 11
    assert provider.find(provider.key_id) == provider.key_id


def test_many_requests_at_once_ask_once(provider: Provider) -> None:
    async def many() -> list[object]:
        return await asyncio.gather(*(provider.ring.key(provider.key_id) for _ in range(20)))

    assert len(asyncio.run(many())) == 20
    assert provider.asked == 1


def test_a_token_without_a_key_id_takes_the_only_key_there_is(provider: Provider) -> None:
    assert provider.find(None) == provider.key_id
    provider.provider.jwks["keys"].append(IdentityProvider().jwks["keys"][0])
    provider.clock += 301
    with pytest.raises(Refused):
        provider.find(None)


@pytest.mark.parametrize("answer", [[], "no", {"keys": "no"}, {"keys": []}, {"keys": [{"kty": "oct"}]}, None])
def test_an_answer_that_is_no_jwks_is_as_none(answer: object) -> None:
    ring = Keyring(lambda: answer, ["EdDSA"])
    with pytest.raises(CannotTell):
        asyncio.run(ring.key("any"))
