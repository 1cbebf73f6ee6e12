"""The server, which ends streams before it waits for requests: a stream would be waited for in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn
from typing_extensions import override

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI


class Server(uvicorn.Server):
    """Serves ``app`` until SIGTERM or SIGINT."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End every stream, then finish the other requests."""
        await self._app.state.end_streams()
        await super().shutdown(sockets)
