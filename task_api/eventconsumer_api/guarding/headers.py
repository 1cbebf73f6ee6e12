"""Headers that tell a browser to do nothing with an answer but show it. A route's own headers win."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    # A browser keeps nothing without asking again, and a shared cache nothing at all.
    (b"cache-control", b"private, no-cache"),
)
_NO_PAGE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class SecurityHeadersMiddleware:
    """Adds the headers that an answer does not have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = secured(message["headers"])
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def secured(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer and those that it lacks; names are in small letters."""
    own = dict(headers)
    wanted = _ALWAYS if own.get(b"content-type", b"").startswith(b"text/html") else (*_ALWAYS, _NO_PAGE)
    return [*headers, *(pair for pair in wanted if pair[0] not in own)]
