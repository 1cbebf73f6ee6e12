"""Headers that tell a browser to do nothing with an answer but show it. A route's own headers win."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    # A browser keeps nothing without asking again, and a shared cache nothing at all.
    "Cache-Control": "private, no-cache",
}
_NO_PAGE = "default-src 'none'; frame-ancestors 'none'"


class SecurityHeadersMiddleware:
    """Adds the headers that an answer does not have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                if not headers.get("Content-Type", "").startswith("text/html"):
                    headers.setdefault("Content-Security-Policy", _NO_PAGE)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
