"""What the guard's settings refuse before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from eventconsumer_api.guarding.settings import Auth, GuardSettings

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = {
    "AUTH": "jwt",
    "JWT_ISSUER": "https://id.example",
    "JWT_AUDIENCE": "task-api",
    "JWT_JWKS_URL": "https://id.example/keys",
}


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> GuardSettings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return GuardSettings()


def test_a_list_of_schemes_is_read_from_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, **WHOLE | {"AUTH": "jwt, api_key"}).auth == (Auth.JWT, Auth.API_KEY)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"AUTH": ""}, "say how callers prove who they are"),
        ({"AUTH": "none,api_key"}, "none stands alone"),
        ({"JWT_ISSUER": ""}, "JWT_ISSUER: AUTH=jwt needs"),
        ({"JWT_AUDIENCE": ""}, "JWT_AUDIENCE: AUTH=jwt needs"),
        ({"JWT_JWKS_URL": "ftp://id.example/keys"}, "URL scheme should be 'http' or 'https'"),
        ({"JWT_JWKS_FILE": "keys.json"}, "either this or JWT_JWKS_FILE"),
        ({"JWT_ALGORITHMS": "HS256"}, "Input should be 'RS256', 'ES256' or 'EdDSA'"),
        ({"RATE_LIMIT": "many"}, "must be such as 100/second"),
        ({"TRUSTED_PROXIES": "*"}, "must be an address or a network"),
        ({"CORS_ORIGINS": "*"}, "must be an origin"),
        ({"CORS_ORIGINS": "https://a.example/path"}, "must be an origin"),
    ],
)
def test_what_would_leave_the_door_open_or_shut_is_refused(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        read(monkeypatch, **WHOLE | changed)


def test_a_file_of_keys_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JWT_JWKS_FILE", str(tmp_path / "keys.json"))
    environment = {name: value for name, value in WHOLE.items() if name != "JWT_JWKS_URL"}
    with pytest.raises(ValidationError, match=r"JWT_JWKS_FILE: there is no file .*keys\.json"):
        read(monkeypatch, **environment)


@pytest.mark.parametrize(
    ("auth", "said", "allowed"),
    [
        ("api_key", "", "100/second"),
        ("api_key", "5/minute", "5/minute"),
        ("api_key", "off", None),
        ("none", "", None),
        ("none", "5/minute", "5/minute"),
    ],
)
def test_callers_who_are_known_have_a_limit_unless_it_is_off(
    monkeypatch: pytest.MonkeyPatch, auth: str, said: str, allowed: str | None
) -> None:
    assert read(monkeypatch, AUTH=auth, RATE_LIMIT=said).requests_allowed == allowed
