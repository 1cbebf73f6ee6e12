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
from eventconsumer_api.publisher import Publisher
from eventconsumer_api.relay import Relay
from eventconsumer_api.routes import health, outbox, page, tasks
from eventconsumer_api.services.outbox import OutboxService
from eventconsumer_api.services.readiness import ReadinessService
from eventconsumer_api.services.tasks import TaskService
from eventconsumer_api.services.watcher import Watcher
from eventconsumer_api.storage import schema
from eventconsumer_api.storage.database import Database
from eventconsumer_api.tracing import TraceMiddleware

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app; without settings they come from the environment."""
    chosen = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
        database = Database(chosen.database_url)
        schema.migrate(database)
        publisher = Publisher(
            bootstrap_servers=chosen.kafka_bootstrap_servers,
            topic=chosen.kafka_topic,
            client_id=chosen.client_id,
        )
        relay = Relay(database, publisher)
        relay.start()
        watched = OutboxService(database)
        watcher = Watcher(watched.look)
        app.state.end_streams = watcher.end
        try:
            yield {
                "tasks": TaskService(database, committed=relay.wake),
                "outbox": watched,
                "watcher": watcher,
                "readiness": ReadinessService(database, relay_alive=relay.alive),
            }
        finally:
            await watcher.close()
            await asyncio.to_thread(relay.stop)
            database.close()

    app = FastAPI(title="Task API", version=version("eventconsumer"), lifespan=lifespan)
    app.add_middleware(GuardMiddleware)
    app.add_middleware(CorrelationMiddleware)
    app.add_middleware(TraceMiddleware)
    problems.install(app)
    app.include_router(tasks.router)
    app.include_router(outbox.router)
    app.include_router(health.router)
    app.router.routes.extend(page.ROUTES)
    return app
