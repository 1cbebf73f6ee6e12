"""One log line a request: what was asked, by whom, how it ended and how long it took.

It tells paths without their queries and callers by their owner_id, so it holds neither titles nor names nor
credentials. Probes are told only when they fail: each would be a line every few seconds.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger(__name__)

_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_FAILURE = 400
_ABORTED = 499
"""What nginx calls a request whose answer nobody got."""


class AccessLogMiddleware:
    """Logs each request when it is over."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = _ABORTED

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        except Exception:  # It is answered with 500 outside of all middleware.
            status = 500
            raise
        finally:
            if status >= _FAILURE or scope["path"] not in _PROBES:
                _tell(scope, status, (time.perf_counter() - started) * 1000)


def _tell(scope: Scope, status: int, milliseconds: float) -> None:
    if not _log.isEnabledFor(logging.INFO):
        return
    # The path as it was sent: its escapes keep it on one line.
    path = scope["raw_path"].decode("ascii", "backslashreplace") if scope.get("raw_path") else scope["path"]
    principal = scope["state"].get("principal")
    fields: dict[str, object] = {
        "method": scope["method"],
        "path": path,
        "status": status,
        "milliseconds": round(milliseconds, 1),
    }
    if principal is not None and principal.owner_id is not None:
        fields["owner_id"] = str(principal.owner_id)
    _log.info("%s %s %d %.1f ms", scope["method"], path, status, milliseconds, extra=fields)
