"""Puts the app together: its routes, and around them what every request goes through."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from eventconsumer_api import openapi, problems, tracing
from eventconsumer_api.access import AccessLogMiddleware
from eventconsumer_api.body_limit import BodyLimitMiddleware
from eventconsumer_api.config import Settings
from eventconsumer_api.correlation import CorrelationMiddleware
from eventconsumer_api.guarding.headers import SecurityHeadersMiddleware
from eventconsumer_api.guarding.middleware import GuardMiddleware
from eventconsumer_api.lifespan import lifespan_of
from eventconsumer_api.metrics import Metrics, MetricsMiddleware
from eventconsumer_api.routes import contract, health, metrics, outbox, page, tasks

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

# Spans and figures are our own; the framework would look for providers of its own at each request.
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app; without settings they come from the environment."""
    chosen = settings or Settings()
    figures = Metrics()
    app = FastAPI(
        title="Task API",
        version=version("eventconsumer"),
        lifespan=lifespan_of(chosen, figures),
        telemetry=_NO_TELEMETRY,
    )
    _surround(app, chosen)
    app.add_middleware(MetricsMiddleware, metrics=figures)
    problems.install(app)
    events = contract.router(chosen.kafka_topic, avro=chosen.event_format == "avro")
    for router in (tasks.router, outbox.router, events, health.router, metrics.router):
        # Themselves and not by `include_router`, which would look for each request's route twice.
        app.router.routes.extend(router.routes)
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
    app.add_middleware(tracing.TraceMiddleware)
