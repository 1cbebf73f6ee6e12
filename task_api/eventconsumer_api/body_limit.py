"""The most a request may carry. It holds for bodies of unsaid length too, which arrive in pieces.

What is too large is refused where it is read, so the answer is a problem like every other and nothing beyond
the limit is kept in memory.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from eventconsumer_api.raw_headers import header

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 65_536


class BodyLimitMiddleware:
    """Lets no reader of a body see more than 64 KiB of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = header(scope, b"content-length") or ""
        received = 0

        async def receive_some() -> Message:
            nonlocal received
            if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
                raise _too_large()
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise _too_large()
            return message

        await self._app(scope, receive_some, send)


def _too_large() -> HTTPException:
    return HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request may carry at most {MAX_BODY_BYTES:,} bytes."
    )
