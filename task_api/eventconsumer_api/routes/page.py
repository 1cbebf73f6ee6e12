"""The page at `/`: files of this package, sent as they are.

Invariant: the page is made of its own files and nothing else. Scripts and styles come from this server's
files, never from within the document, so text that somebody typed can't become either; and nobody may frame
the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FOLDER = Path(__file__).parents[1] / "page"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Asked for each time and answered with 304: after an upgrade no old script meets a new page.
    "Cache-Control": "no-cache",
}


class _Guarded:
    """Adds the headers of the page to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def _index(_request: Request) -> Response:
    return FileResponse(_FOLDER / "index.html", headers=_HEADERS)


ROUTES = [
    Route("/", _index, name="page"),
    Mount("/page", _Guarded(StaticFiles(directory=_FOLDER)), name="page-files"),
]
