"""The guard in a real process, with a real identity provider and a real PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest

from tests.support.api_process import ApiProcess
from tests.support.eventually import eventually
from tests.support.identity_provider import AUDIENCE, ISSUER, IdentityProvider, published

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dev.postgres import LocalPostgres

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def provider() -> IdentityProvider:
    return IdentityProvider("ES256")


@pytest.fixture
def environment(provider: IdentityProvider, database: str) -> Iterator[dict[str, str]]:
    """Give what a process is told that guards itself in both ways, and tells all it can."""
    with published(provider) as jwks_url:
        yield {
            "AUTH": "jwt,api_key",
            "JWT_ISSUER": ISSUER,
            "JWT_AUDIENCE": AUDIENCE,
            "JWT_JWKS_URL": jwks_url,
            "DATABASE_URL": database.replace("postgresql://", "postgresql+psycopg://"),
            "LOG_LEVEL": "DEBUG",
            "LOG_FORMAT": "json",
        }


@pytest.fixture
def api(tmp_path: Path, environment: dict[str, str]) -> Iterator[ApiProcess]:
    with ApiProcess(tmp_path, bootstrap_servers=NOWHERE, topic="task-events", **environment) as process:
        yield process


def keys(environment: dict[str, str], *words: str) -> str:
    """Run `eventconsumer-api keys` and return what it prints."""
    command = [sys.executable, "-m", "eventconsumer_api", "keys", *words]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def get(url: str, credential: str) -> httpx2.Response:
    return httpx2.get(f"{url}/tasks", headers={"Authorization": f"Bearer {credential}"}, timeout=30)


def test_a_rotated_key_of_the_provider_is_fetched_and_the_old_one_counts_no_more(
    api: ApiProcess, provider: IdentityProvider
) -> None:
    url, old = api.url, provider.token()
    assert get(url, old).status_code == 200
    provider.rotate()
    new = provider.token()
    eventually("the new key is known", lambda: get(url, new).status_code == 200, within=20)
    assert get(url, old).status_code == 401


def test_a_key_opens_on_postgresql_until_it_is_revoked(api: ApiProcess, environment: dict[str, str]) -> None:
    url, key = api.url, keys(environment, "create", "ci")
    assert get(url, key).status_code == 200
    keys(environment, "revoke", key.split("_")[1])
    eventually("the key is refused", lambda: get(url, key).status_code == 401, within=15)


def test_no_line_of_the_log_holds_a_credential_or_a_password(
    api: ApiProcess, environment: dict[str, str], provider: IdentityProvider, postgres: LocalPostgres
) -> None:
    url, key, token = api.url, keys(environment, "create", "ci"), provider.token()
    guessed = f"ec_{uuid4().hex}_guessed-secret"
    credentials = [key, token, guessed, token[:-4], "no-token-at-all"]
    known = [get(url, credential).status_code for credential in credentials]
    postgres.stop()
    unknown = [get(url, credential).status_code for credential in (token, guessed)]
    log = api.terminate()
    lines = [json.loads(line) for line in log.splitlines()]
    assert (known, unknown) == ([200, 200, 401, 401, 401], [503, 503])
    assert {"time", "level", "logger", "message"} <= set.intersection(*(set(line) for line in lines))
    assert [line["status"] for line in lines if "status" in line] == known + unknown
    password = urlsplit(environment["DATABASE_URL"]).password
    assert password
    secrets = [key.split("_", 2)[2], "guessed-secret", *token.split(".")[1:], "no-token-at-all", password]
    assert [secret for secret in secrets if secret in log] == []


@pytest.mark.parametrize(("trusted", "second"), [("", 429), ("127.0.0.0/8", 200)])
def test_a_caller_s_address_is_what_a_trusted_proxy_says_and_nobody_else(
    tmp_path: Path, trusted: str, second: int
) -> None:
    environment = {"RATE_LIMIT": "1/day", "TRUSTED_PROXIES": trusted}
    with ApiProcess(tmp_path, bootstrap_servers=NOWHERE, topic="task-events", **environment) as api:
        url = f"{api.url}/tasks"
        places = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in (1, 2)]
        answers = [httpx2.get(url, headers=place, timeout=30) for place in places]
    assert [answer.status_code for answer in answers] == [200, second]
