"""Puts the parts together: this is the one place where the relay meets the requests."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI

from eventconsumer_api import problems
from eventconsumer_api.bell import Bell
from eventconsumer_api.config import Settings
from eventconsumer_api.correlation import CorrelationMiddleware
from eventconsumer_api.encoding import as_json
from eventconsumer_api.guard import GuardMiddleware
from eventconsumer_api.metrics import Metrics, MetricsMiddleware
from eventconsumer_api.publisher import Publisher
from eventconsumer_api.relay import Relay, Way
from eventconsumer_api.routes import health, metrics, tasks
from eventconsumer_api.services.readiness import ReadinessService
from eventconsumer_api.services.tasks import TaskService
from eventconsumer_api.storage import schema
from eventconsumer_api.storage.database import Database
from eventconsumer_api.storage.turn import turn
from eventconsumer_api.tracing import TraceMiddleware

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app; without settings they come from the environment."""
    chosen = settings or Settings()

    figures = Metrics()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, object]]:
        database = Database(chosen.database_url)
        schema.migrate(database)
        figures.watch(database)
        relay = _relay(chosen, database, figures) if chosen.relay == "on" else None
        try:
            yield {
                "tasks": TaskService(database, committed=relay.wake if relay else _nobody_waits),
                "readiness": ReadinessService(database, relay_alive=relay.alive if relay else None),
                "metrics": figures,
            }
        finally:
            if relay:
                await asyncio.to_thread(relay.stop)
            database.close()

    app = FastAPI(title="Task API", version=version("eventconsumer"), lifespan=lifespan)
    app.add_middleware(GuardMiddleware)
    app.add_middleware(CorrelationMiddleware)
    app.add_middleware(TraceMiddleware)
    app.add_middleware(MetricsMiddleware, metrics=figures)
    problems.install(app)
    app.include_router(tasks.router)
    app.include_router(health.router)
    app.include_router(metrics.router)
    return app


def _relay(settings: Settings, database: Database, figures: Metrics) -> Relay:
    bell = Bell()
    way = Way(
        turn=turn(database, settings.database_url, bell),
        bell=bell,
        encode=as_json,
        publisher=Publisher(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            topic=settings.kafka_topic,
            client_id=settings.client_id,
        ),
    )
    relay = Relay(database, way, figures)
    relay.start()
    return relay


def _nobody_waits() -> None:
    """Do nothing after a commit: something else reads the outbox."""
