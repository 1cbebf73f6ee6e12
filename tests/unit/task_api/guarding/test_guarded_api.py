"""The guard as a caller meets it, on the whole app."""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from eventconsumer_api.config import Settings
from eventconsumer_api.guarding.settings import Auth
from eventconsumer_api.main import create_app
from eventconsumer_api.services.api_keys import ApiKeyService
from eventconsumer_api.storage import schema
from eventconsumer_api.storage.database import Database
from tests.support.identity_provider import AUDIENCE, ISSUER, IdentityProvider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx2 import Response

NOWHERE = "127.0.0.1:1"
OPEN = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/asyncapi.json",
    "/schemas/task-event.json",
    "/openapi.json",
    "/docs",
]


def database_url(folder: Path) -> str:
    return f"sqlite:///{folder}/tasks.db"


def a_key(folder: Path, name: str, *, subject: str = "", admin: bool = False) -> dict[str, str]:
    """Make a key and return the header that a request with it has."""
    with closing(Database(database_url(folder))) as database:
        schema.migrate(database)
        _, key = ApiKeyService(database).create(name=name, subject=subject or name, admin=admin)
    return {"Authorization": f"Bearer {key}"}


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[TestClient]:
    settings = {"auth": (Auth.API_KEY,), "kafka_bootstrap_servers": NOWHERE} | settings
    app = create_app(Settings(database_url=database_url(folder), **settings))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def is_refused(answer: Response, status: int) -> bool:
    return (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("path", ["/tasks", f"/tasks/{UUID(int=7)}", "/nothing-here"])
@pytest.mark.parametrize("sent", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "}])
def test_without_a_credential_every_path_is_401_and_says_what_to_send(
    tmp_path: Path, path: str, sent: dict[str, str]
) -> None:
    with running(tmp_path) as api:
        answer = api.get(path, headers=sent)
    assert is_refused(answer, 401)
    assert answer.headers["www-authenticate"] == 'Bearer realm="task-api"'


def test_a_credential_that_does_not_count_is_401_and_is_not_repeated(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        key, token = f"ec_{uuid4().hex}_guess", "a.b.c"
        answers = [api.get("/tasks", headers={"Authorization": f"Bearer {text}"}) for text in (key, token)]
    assert all(is_refused(answer, 401) for answer in answers)
    assert all('error="invalid_token"' in answer.headers["www-authenticate"] for answer in answers)
    assert key not in answers[0].text


def test_a_body_is_not_looked_at_before_its_sender_is_known(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        assert is_refused(api.post("/tasks", content=b"no json"), 401)


@pytest.mark.parametrize("path", OPEN)
def test_probes_and_documentation_are_open(tmp_path: Path, path: str) -> None:
    with running(tmp_path) as api:
        assert api.get(path).status_code == 200


def test_owners_see_and_change_their_own_tasks_only(tmp_path: Path) -> None:
    ann, ben = a_key(tmp_path, "ann"), a_key(tmp_path, "ben")
    with running(tmp_path) as api:
        task = api.post("/tasks", json={"title": "Buy groceries"}, headers=ann).json()
        address = f"/tasks/{task['id']}"
        hidden = [
            api.get(address, headers=ben),
            api.patch(address, json={"title": "Mine"}, headers=ben),
            api.post(f"{address}/complete", headers=ben),
        ]
        assert task["owner_id"] is not None
        assert all(is_refused(answer, 404) for answer in hidden)
        assert api.get(address, headers=ann).json() == task


def test_only_an_admin_makes_a_task_for_somebody_else(tmp_path: Path) -> None:
    ann_id = str(uuid4())
    ann, admin = a_key(tmp_path, "ann", subject=ann_id), a_key(tmp_path, "root", admin=True)
    body = {"title": "Buy groceries", "owner_id": ann_id}
    with running(tmp_path) as api:
        by_ann, by_admin = (api.post("/tasks", json=body, headers=who) for who in (ann, admin))
        refused = api.post("/tasks", json=body | {"owner_id": str(uuid4())}, headers=ann)
        assert (by_ann.status_code, by_admin.status_code) == (201, 201)
        assert is_refused(refused, 403)
        assert api.get(f"/tasks/{by_admin.json()['id']}", headers=ann).status_code == 200


def test_a_token_of_the_identity_provider_is_as_good_as_a_key(tmp_path: Path) -> None:
    provider = IdentityProvider()
    (tmp_path / "jwks.json").write_text(json.dumps(provider.jwks))
    jwt = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_jwks_file": tmp_path / "jwks.json"}
    key = a_key(tmp_path, "ci")
    with running(tmp_path, auth=(Auth.JWT, Auth.API_KEY), **jwt) as api:
        by_token = api.get("/tasks", headers={"Authorization": f"Bearer {provider.token()}"})
        assert (by_token.status_code, api.get("/tasks", headers=key).status_code) == (200, 200)
    with running(tmp_path, auth=(Auth.JWT,), **jwt) as api:
        assert is_refused(api.get("/tasks", headers=key), 401)


def test_while_the_provider_tells_no_keys_a_token_is_neither_let_in_nor_refused(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text("no keys")
    jwt = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_jwks_file": tmp_path / "jwks.json"}
    with running(tmp_path, auth=(Auth.JWT,), **jwt) as api:
        answer = api.get("/tasks", headers={"Authorization": f"Bearer {IdentityProvider().token()}"})
    assert is_refused(answer, 503)
    assert answer.headers["retry-after"] == "1"


def test_one_request_too_many_is_429_for_that_caller_alone(tmp_path: Path) -> None:
    ann, ben = a_key(tmp_path, "ann"), a_key(tmp_path, "ben")
    with running(tmp_path, rate_limit="2/day") as api:
        answers = [api.get("/tasks", headers=ann) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert is_refused(answers[2], 429)
        assert int(answers[2].headers["retry-after"]) > 0
        assert answers[0].headers["ratelimit"].startswith('"caller";r=1;t=')
        assert api.get("/tasks", headers=ben).status_code == 200
        assert "ratelimit" not in api.get("/healthz").headers


def test_guessing_is_limited_by_address(tmp_path: Path) -> None:
    with running(tmp_path, rate_limit="2/day") as api:
        guesses = [{"Authorization": f"Bearer ec_{uuid4().hex}_guess"} for _ in range(3)]
        assert [api.get("/tasks", headers=guess).status_code for guess in guesses] == [401, 401, 429]


def test_a_caller_is_not_shut_out_by_guesses_from_the_same_address(tmp_path: Path) -> None:
    ann = a_key(tmp_path, "ann")
    with running(tmp_path, rate_limit="1/day") as api:
        guesses = [{"Authorization": f"Bearer ec_{uuid4().hex}_guess"} for _ in range(2)]
        assert [api.get("/tasks", headers=guess).status_code for guess in guesses] == [401, 429]
        assert api.get("/tasks", headers=ann).status_code == 200


def test_a_request_sent_again_does_not_show_a_task_that_was_given_away(tmp_path: Path) -> None:
    ann, admin = a_key(tmp_path, "ann"), a_key(tmp_path, "root", admin=True)
    body, headers = {"title": "Buy groceries"}, ann | {"Idempotency-Key": "once"}
    with running(tmp_path) as api:
        task = api.post("/tasks", json=body, headers=headers).json()
        api.patch(f"/tasks/{task['id']}", json={"owner_id": str(uuid4())}, headers=admin)
        again = api.post("/tasks", json=body, headers=headers)
        document = api.get("/openapi.json").json()
    assert is_refused(again, 404)
    assert "404" in document["paths"]["/tasks"]["post"]["responses"]


def test_other_origins_are_shut_out_unless_they_are_named(tmp_path: Path) -> None:
    asks = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    with running(tmp_path) as api:
        assert "access-control-allow-origin" not in api.options("/tasks", headers=asks).headers
    with running(tmp_path, cors_origins=("https://page.example",)) as api:
        assert api.options("/tasks", headers=asks).headers["access-control-allow-origin"] == asks["Origin"]
        refused = api.get("/tasks", headers={"Origin": asks["Origin"]})
        other = api.options("/tasks", headers=asks | {"Origin": "https://other.example"})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, asks["Origin"])
    assert "access-control-allow-origin" not in other.headers


def test_every_answer_tells_a_browser_to_do_nothing_with_it(tmp_path: Path) -> None:
    with running(tmp_path) as api:
        answers = [api.get(path) for path in ("/healthz", "/tasks", "/nothing-here")]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["cache-control"] == "private, no-cache"


def test_the_documentation_names_the_credentials_of_every_operation_but_the_open_ones(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as api:
        document = api.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["api_key"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            guarded = {"401", "429"} <= operation["responses"].keys() and "security" in operation
            assert guarded is (path not in OPEN), path


def test_where_nobody_is_asked_the_documentation_asks_nobody(tmp_path: Path) -> None:
    with running(tmp_path, auth=(Auth.NONE,)) as api:
        assert "securitySchemes" not in api.get("/openapi.json").text
