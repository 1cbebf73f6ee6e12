"""The correlation id: one UUID for a request, its events and whatever they cause.

A caller's own `X-Correlation-ID` is kept when it is a UUID, so one id follows a request through several
services; anything else is replaced, because the event's contract promises a UUID.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from eventconsumer_api import logs
from eventconsumer_api.ids import new_id
from eventconsumer_api.raw_headers import header

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Correlation-ID"
_NAME = HEADER.lower().encode()


def correlation_id_from(text: str | None) -> UUID:
    """Return the UUID the caller sent, or a new one."""
    if text is None:
        return new_id()
    try:
        return UUID(text)
    except ValueError:
        return new_id()


class CorrelationMiddleware:
    """Puts the id into `request.state.correlation_id`, into the log and into the response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation_id = correlation_id_from(header(scope, _NAME))
        scope.setdefault("state", {})["correlation_id"] = correlation_id
        logs.correlation_id.set(correlation_id)

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (_NAME, str(correlation_id).encode())]
            await send(message)

        await self._app(scope, receive, send_with_header)
