"""The guard at the door: every path but the few that are open by name has a caller before it has a route."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

from eventconsumer_api.guarding.refusals import CannotTell, Refused
from eventconsumer_api.problems import database_unavailable, problem
from eventconsumer_api.raw_headers import header
from eventconsumer_api.storage.database import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from eventconsumer_api.guarding.guard import Guard
    from eventconsumer_api.guarding.limit import RateLimit
    from eventconsumer_api.problems import ProblemResponse

_OPEN = frozenset(
    {
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/asyncapi.json",
        "/schemas/task-event.json",
        "/docs",
        "/redoc",
    }
)
"""The page, probes, metrics and documentation; they hold nobody's tasks."""
_OPEN_FOLDER = "/page/"
"""The files of the page, which asks for a credential itself."""

_RETRY_AFTER = {"Retry-After": "1"}


class GuardMiddleware:
    """Puts the caller into `request.state.principal`, or answers 401, 429 or 503."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        guard: Guard = scope["state"]["guard"]
        limit: RateLimit | None = scope["state"]["rate_limit"]
        refusal: ProblemResponse | None = None
        caller = _address(scope)
        try:
            principal = await guard.caller(header(scope, b"authorization"))
            scope["state"]["principal"] = principal
            caller = str(principal.owner_id or caller)
        except Refused as refused:
            refusal = _unauthorized(refused)
        except CannotTell as failure:
            refusal = problem(HTTPStatus.SERVICE_UNAVAILABLE, detail=str(failure), headers=_RETRY_AFTER)
        except DatabaseUnavailable as failure:
            refusal = database_unavailable(failure)
        if limit is not None:
            count = limit.count(caller)
            send = _with_headers(send, count.headers)
            if not count.allowed:
                refusal = problem(HTTPStatus.TOO_MANY_REQUESTS, detail="Too many requests; see Retry-After.")
        await (refusal or self._app)(scope, receive, send)


def is_open(path: str) -> bool:
    """Say whether a path asks nobody who comes."""
    return path in _OPEN or path.startswith(_OPEN_FOLDER)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"


def _unauthorized(refused: Refused) -> ProblemResponse:
    headers = {"WWW-Authenticate": refused.challenge}
    return problem(HTTPStatus.UNAUTHORIZED, detail=str(refused), headers=headers)


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return send_with_headers
