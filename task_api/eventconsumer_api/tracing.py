"""Takes the trace of each request from its headers into the context that it is handled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from eventconsumer_api.traceparent import set_current_traceparent, valid_traceparent

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HEADER = "traceparent"


class TraceMiddleware:
    """Puts the caller's trace into the context of the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            set_current_traceparent(valid_traceparent(Headers(scope=scope).get(HEADER)))
        await self._app(scope, receive, send)
