"""What lives as long as the process: the one place where the relay meets the requests.

Invariant: the parts end in the opposite order of their beginning, so what a part needs outlives it, also
where a later part cannot begin.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from eventconsumer_api import tracing
from eventconsumer_api.guarding.guard import Guard
from eventconsumer_api.guarding.limit import RateLimit
from eventconsumer_api.preparation import Preparation
from eventconsumer_api.relaying import nobody_waits, relay_of
from eventconsumer_api.services.api_keys import ApiKeyService
from eventconsumer_api.services.group_commit import GroupCommit
from eventconsumer_api.services.outbox import OutboxService
from eventconsumer_api.services.readiness import ReadinessService
from eventconsumer_api.services.tasks import TaskService
from eventconsumer_api.services.watcher import Watcher
from eventconsumer_api.storage.database import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from fastapi import FastAPI

    from eventconsumer_api.config import Settings
    from eventconsumer_api.metrics import Metrics
    from eventconsumer_api.relay import Relay

State = dict[str, object]


def lifespan_of(
    settings: Settings, metrics: Metrics
) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    """Return what FastAPI enters at the start and leaves at the end; it yields the state of every request."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        async with AsyncExitStack() as parts:
            yield await _begin(app, settings, metrics, parts)

    return lifespan


async def _begin(app: FastAPI, settings: Settings, metrics: Metrics, parts: AsyncExitStack) -> State:
    traces = tracing.started()
    if traces:
        parts.push_async_callback(asyncio.to_thread, traces.close)
    database = Database(
        settings.database_url,
        timeout_seconds=settings.database_timeout_seconds,
        pool_size=settings.database_pool_size,
    )
    parts.callback(database.close)
    metrics.watch(database)
    preparation = Preparation(database, settings.database_migrations)
    await preparation.start()
    parts.push_async_callback(preparation.stop)
    relay = await _relay(settings, database, metrics, traces, parts)
    committed = relay.wake if relay else nobody_waits
    outbox = OutboxService(database)
    watcher = Watcher(outbox.look)
    app.state.end_streams = watcher.end
    parts.push_async_callback(watcher.close)
    arrivals = GroupCommit(database, committed)
    arrivals.start()
    parts.push_async_callback(asyncio.to_thread, arrivals.stop)
    return {
        "guard": Guard(settings, look_up=ApiKeyService(database).bearer),
        "rate_limit": RateLimit(allowed) if (allowed := settings.requests_allowed) else None,
        "tasks": TaskService(database, committed),
        "arrivals": arrivals,
        "readiness": ReadinessService(
            database, prepared=preparation.done, relay_alive=relay.alive if relay else None
        ),
        "metrics": metrics,
        "traces": traces,
        "outbox": outbox,
        "watcher": watcher,
    }


async def _relay(
    settings: Settings,
    database: Database,
    metrics: Metrics,
    traces: tracing.Traces | None,
    parts: AsyncExitStack,
) -> Relay | None:
    relay = relay_of(settings, database, metrics, traces)
    if relay:
        relay.start()
        parts.push_async_callback(asyncio.to_thread, relay.stop)
    return relay
