"""Which tokens count, and as whom."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from eventconsumer_api.guarding.keyring import Keyring
from eventconsumer_api.guarding.refusals import Refused
from eventconsumer_api.guarding.settings import Auth, GuardSettings
from eventconsumer_api.guarding.tokens import Tokens
from eventconsumer_api.principal import owner_id_of
from tests.support.identity_provider import AUDIENCE, ISSUER, IdentityProvider

if TYPE_CHECKING:
    from pathlib import Path

    from eventconsumer_api.principal import Principal


@pytest.fixture
def settings(tmp_path: Path) -> GuardSettings:
    keys = tmp_path / "jwks.json"
    keys.write_text("{}")
    return GuardSettings(auth=(Auth.JWT,), jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwt_jwks_file=keys)


def bearer(settings: GuardSettings, token: str, jwks: Any) -> Principal:
    tokens = Tokens(settings, Keyring(lambda: jwks, settings.jwt_algorithms))
    return asyncio.run(tokens.bearer(token))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_of_the_issuer_for_us_says_who_its_bearer_is(settings: GuardSettings, algorithm: str) -> None:
    provider = IdentityProvider(algorithm)
    found = bearer(settings, provider.token(), provider.jwks)
    assert (found.subject, found.owner_id, found.admin) == ("ann", owner_id_of(ISSUER, "ann"), False)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": int(time.time()) - 90}, "expired"),
        ({"nbf": int(time.time()) + 3600}, "not valid"),  # more than the time until this test's turn comes
        ({"exp": None}, "not valid"),
        ({"sub": None}, "not valid"),
        ({"sub": ""}, "subject"),
        ({"sub": "x" * 256}, "subject"),
        ({"sub": 7}, "not valid"),
        ({"iss": "https://other.example"}, "another issuer"),
        ({"iss": None}, "not valid"),
        ({"aud": "another-api"}, "another audience"),
        ({"aud": None}, "not valid"),
    ],
)
def test_a_token_that_says_anything_else_is_refused(
    settings: GuardSettings, claims: dict[str, object], why: str
) -> None:
    provider = IdentityProvider()
    with pytest.raises(Refused, match=why):
        bearer(settings, provider.token(claims), provider.jwks)


def test_clocks_may_differ_by_less_than_a_minute(settings: GuardSettings) -> None:
    provider = IdentityProvider()
    token = provider.token({"exp": int(time.time()) - 30, "nbf": int(time.time()) + 30})
    assert bearer(settings, token, provider.jwks).subject == "ann"


def test_a_token_that_somebody_else_signed_is_refused(settings: GuardSettings) -> None:
    provider, other = IdentityProvider(), IdentityProvider()
    other._key_id = provider._key_id
    with pytest.raises(Refused, match="not valid"):
        bearer(settings, other.token(), provider.jwks)


def test_a_token_without_a_signature_is_refused(settings: GuardSettings) -> None:
    provider = IdentityProvider()
    unsigned = jwt.encode(jwt.decode(provider.token(), options={"verify_signature": False}), "", "none")
    with pytest.raises(Refused):
        bearer(settings, unsigned, provider.jwks)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "ec_", "é.é.é"])
def test_what_is_no_token_is_refused(settings: GuardSettings, text: str) -> None:
    with pytest.raises(Refused, match="not valid"):
        bearer(settings, text, IdentityProvider().jwks)


def test_a_shared_secret_among_the_published_keys_signs_nothing(settings: GuardSettings) -> None:
    secret = b"everybody can read this in the JWKS"
    encoded = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    jwks = {"keys": [{"kty": "oct", "k": encoded, "kid": "shared"}]}
    claims = jwt.decode(IdentityProvider().token(), options={"verify_signature": False})
    forged = jwt.encode(claims, secret, "HS256", headers={"kid": "shared"})
    with pytest.raises(Refused, match="does not have"):
        bearer(settings, forged, jwks)


def test_an_algorithm_that_is_not_on_the_list_is_refused(settings: GuardSettings) -> None:
    provider = IdentityProvider("RS256")
    strict = settings.model_copy(update={"jwt_algorithms": ("EdDSA",)})
    with pytest.raises(Refused):
        bearer(strict, provider.token(), provider.jwks)


@pytest.mark.parametrize(
    ("claims", "admin"),
    [
        ({"scope": "openid tasks:admin"}, True),
        ({"scp": ["tasks:admin"]}, True),
        ({"scope": "tasks:administrator"}, False),
        ({"scope": 7, "scp": [7]}, False),
        ({"roles": ["tasks:admin"]}, False),
    ],
)
def test_an_admin_is_who_has_the_scope(
    settings: GuardSettings, claims: dict[str, object], *, admin: bool
) -> None:
    provider = IdentityProvider()
    assert bearer(settings, provider.token(claims), provider.jwks).admin is admin


def test_the_refusal_repeats_nothing_of_the_token(settings: GuardSettings) -> None:
    provider = IdentityProvider()
    token = provider.token({"exp": 1})
    with pytest.raises(Refused) as refused:
        bearer(settings, token, provider.jwks)
    told = json.dumps([str(refused.value), refused.value.challenge])
    assert not any(part in told for part in token.split("."))
    assert refused.value.challenge == 'Bearer realm="task-api", error="invalid_token"'
