"""Puts the parts together: this is the one place where the relay meets the requests."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI

from eventconsumer_api import problems
from eventconsumer_api.config import Settings
from eventconsumer_api.correlation import CorrelationMiddleware
from eventconsumer_api.guard import GuardMiddleware
from eventconsumer_api.preparation import Preparation
from eventconsumer_api.publisher import Publisher
from eventconsumer_api.relay import Relay
from eventconsumer_api.routes import health, tasks
from eventconsumer_api.services.readiness import ReadinessService
from eventconsumer_api.services.tasks import TaskService
from eventconsumer_api.storage.database import Database
from eventconsumer_api.tracing import TraceMiddleware

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app; without settings they come from the environment."""
    chosen = settings or Settings()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, object]]:
        database = Database(
            chosen.database_url,
            timeout_seconds=chosen.database_timeout_seconds,
            pool_size=chosen.database_pool_size,
        )
        preparation = Preparation(database, chosen.database_migrations)
        await preparation.start()
        publisher = Publisher(
            bootstrap_servers=chosen.kafka_bootstrap_servers,
            topic=chosen.kafka_topic,
            client_id=chosen.client_id,
        )
        relay = Relay(database, publisher)
        relay.start()
        try:
            yield {
                "tasks": TaskService(database, committed=relay.wake),
                "readiness": ReadinessService(database, prepared=preparation.done, relay_alive=relay.alive),
            }
        finally:
            await preparation.stop()
            await asyncio.to_thread(relay.stop)
            database.close()

    app = FastAPI(title="Task API", version=version("eventconsumer"), lifespan=lifespan)
    app.add_middleware(GuardMiddleware)
    app.add_middleware(CorrelationMiddleware)
    app.add_middleware(TraceMiddleware)
    problems.install(app)
    app.include_router(tasks.router)
    app.include_router(health.router)
    return app
