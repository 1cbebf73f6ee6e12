"""The correlation id: one UUID for a request, its events and whatever they cause.

A caller's own `X-Correlation-ID` is kept when it is a UUID, so one id follows a request through several
services; anything else is replaced, because the event's contract promises a UUID.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from starlette.datastructures import Headers, MutableHeaders

from eventconsumer_api import logs

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Correlation-ID"


def correlation_id_from(text: str | None) -> UUID:
    """Return the UUID the caller sent, or a new one."""
    try:
        return UUID(text)
    except (TypeError, ValueError):
        return uuid4()


class CorrelationMiddleware:
    """Puts the id into `request.state.correlation_id`, into the log and into the response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation_id = correlation_id_from(Headers(scope=scope).get(HEADER))
        scope.setdefault("state", {})["correlation_id"] = correlation_id
        logs.correlation_id.set(correlation_id)

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = str(correlation_id)
            await send(message)

        await self._app(scope, receive, send_with_header)
