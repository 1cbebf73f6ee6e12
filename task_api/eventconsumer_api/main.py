"""Puts the parts together: this is the one place where the relay meets the requests."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from eventconsumer_api import openapi, problems
from eventconsumer_api.access import AccessLogMiddleware
from eventconsumer_api.body_limit import BodyLimitMiddleware
from eventconsumer_api.config import Settings
from eventconsumer_api.correlation import CorrelationMiddleware
from eventconsumer_api.guarding.guard import Guard
from eventconsumer_api.guarding.headers import SecurityHeadersMiddleware
from eventconsumer_api.guarding.limit import RateLimit
from eventconsumer_api.guarding.middleware import GuardMiddleware
from eventconsumer_api.metrics import Metrics, MetricsMiddleware
from eventconsumer_api.preparation import Preparation
from eventconsumer_api.relaying import nobody_waits, relay_of
from eventconsumer_api.routes import contract, health, metrics, outbox, page, tasks
from eventconsumer_api.services.api_keys import ApiKeyService
from eventconsumer_api.services.group_commit import GroupCommit
from eventconsumer_api.services.outbox import OutboxService
from eventconsumer_api.services.readiness import ReadinessService
from eventconsumer_api.services.tasks import TaskService
from eventconsumer_api.services.watcher import Watcher
from eventconsumer_api.storage.database import Database
from eventconsumer_api.tracing import TraceMiddleware

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app; without settings they come from the environment."""
    chosen = settings or Settings()
    figures = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
        database = Database(
            chosen.database_url,
            timeout_seconds=chosen.database_timeout_seconds,
            pool_size=chosen.database_pool_size,
        )
        preparation = Preparation(database, chosen.database_migrations)
        await preparation.start()
        figures.watch(database)
        relay = relay_of(chosen, database, figures)
        if relay:
            relay.start()
        committed = relay.wake if relay else nobody_waits
        arrivals = GroupCommit(database, committed)
        arrivals.start()
        watched = OutboxService(database)
        watcher = Watcher(watched.look)
        app.state.end_streams = watcher.end
        try:
            yield {
                "guard": Guard(chosen, look_up=ApiKeyService(database).bearer),
                "rate_limit": RateLimit(allowed) if (allowed := chosen.requests_allowed) else None,
                "tasks": TaskService(database, committed),
                "arrivals": arrivals,
                "readiness": ReadinessService(
                    database, prepared=preparation.done, relay_alive=relay.alive if relay else None
                ),
                "metrics": figures,
                "outbox": watched,
                "watcher": watcher,
            }
        finally:
            await preparation.stop()
            await asyncio.to_thread(arrivals.stop)
            await watcher.close()
            if relay:
                await asyncio.to_thread(relay.stop)
            database.close()

    app = FastAPI(title="Task API", version=version("eventconsumer"), lifespan=lifespan)
    _surround(app, chosen)
    app.add_middleware(MetricsMiddleware, metrics=figures)
    problems.install(app)
    app.include_router(tasks.router)
    app.include_router(outbox.router)
    app.include_router(contract.router(chosen.kafka_topic, avro=chosen.event_format == "avro"))
    app.include_router(health.router)
    app.include_router(metrics.router)
    openapi.install(app, chosen)
    app.router.routes.extend(page.ROUTES)
    return app


def _surround(app: FastAPI, settings: Settings) -> None:
    """Put around the routes what every request goes through; what is added last comes first."""
    app.add_middleware(BodyLimitMiddleware)
    app.add_middleware(GuardMiddleware)
    if settings.cors_origins:
        # Outside of the guard: a browser asks for permission without a credential.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "If-None-Match",
                "X-Correlation-ID",
            ],
            expose_headers=["ETag", "Link", "Location", "RateLimit", "Retry-After", "X-Correlation-ID"],
        )
    app.add_middleware(SecurityHeadersMiddleware)
    app.add_middleware(AccessLogMiddleware)
    app.add_middleware(CorrelationMiddleware)
    app.add_middleware(TraceMiddleware)
