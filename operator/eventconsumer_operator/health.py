"""The port that Kubernetes and Prometheus ask: GET /healthz, /readyz and /metrics.

/healthz fails where only a new start helps: something ended, is stuck, or does not begin. /readyz fails until
everything was listed; an operator that waits for the Lease is ready, it has just nothing to do.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Subject(Protocol):
    """What is asked about."""

    started: bool
    """Whether it has begun to work."""

    def fault(self) -> str | None:
        """Return what no longer turns, or None where all is well."""
        ...


@asynccontextmanager
async def serve(subject: Subject, *, port: int) -> AsyncIterator[None]:
    """Answer on all addresses meanwhile."""

    async def healthz(_: web.Request) -> web.Response:
        fault = subject.fault() if subject.started else "starting"
        return _answer(fault)

    async def readyz(_: web.Request) -> web.Response:
        return _answer(None if subject.started else "starting")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE})

    application = web.Application()
    application.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]
    )
    runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "0.0.0.0", port).start()  # noqa: S104  # probes come from the node
        yield
    finally:
        await runner.cleanup()


def _answer(fault: str | None) -> web.Response:
    return web.Response(text=f"{fault or 'ok'}\n", status=503 if fault else 200)
