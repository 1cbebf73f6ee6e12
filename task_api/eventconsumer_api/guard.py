"""The guard: every request has a caller before anything else looks at it.

It stands before routing and before the body is read, for routes of today and of tomorrow alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_api.principal import ANYBODY

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class GuardMiddleware:
    """Puts the caller into `request.state.principal`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            scope.setdefault("state", {})["principal"] = ANYBODY
        await self._app(scope, receive, send)
