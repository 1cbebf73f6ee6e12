"""What Prometheus may ask: how the outbox stands, what the relay did, how requests were answered.

Invariant: a figure that is not known is not there; nothing is 0 because a question failed.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from eventconsumer_api.storage import outbox
from eventconsumer_api.storage.database import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import Metric
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from eventconsumer_api.storage.database import Database

_log = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PUBLISH_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0)
# Whatever callers invent as path or method becomes one time series, not one for each.
_OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The figures of one process; the outbox is looked at when they are asked for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._published = Counter(
            "outbox_published", "Events that Kafka acknowledged to this process.", registry=self.registry
        )
        self._publish_seconds = Histogram(
            "outbox_publish_seconds",
            "From handing a batch to Kafka until the last of its reports.",
            buckets=_PUBLISH_SECONDS,
            registry=self.registry,
        )
        self._leader = Gauge(
            "relay_leader", "1 while this process is the one that publishes.", registry=self.registry
        )
        self._requests = Counter(
            "http_requests", "Requests answered.", ["route", "method", "status"], registry=self.registry
        )
        self._request_seconds = Histogram(
            "http_request_seconds",
            "From a request's arrival to the end of its answer.",
            ["route", "method"],
            buckets=_REQUEST_SECONDS,
            registry=self.registry,
        )
        # To find a series by its labels takes longer than to count in it.
        self._series = cache(self._new_series)

    def watch(self, database: Database) -> None:
        """Tell of this database's outbox from now on."""
        self.registry.register(_OutboxCollector(database))

    def published(self, events: int, seconds: float) -> None:
        """Count a batch."""
        self._published.inc(events)
        self._publish_seconds.observe(seconds)

    def leads(self, *, leads: bool) -> None:
        """Say whether this process publishes."""
        self._leader.set(leads)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        known = method if method in _METHODS else _OTHER
        requests, request_seconds = self._series(route, known, status)
        requests.inc()
        request_seconds.observe(seconds)

    def _new_series(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(route, method, str(status)), self._request_seconds.labels(route, method)

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self.registry)


class _OutboxCollector(Collector):
    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def collect(self) -> Iterable[Metric]:
        """Look at the outbox."""
        try:
            with self._database.read() as connection:
                state = outbox.state(connection)
        except DatabaseUnavailable as failure:
            _log.warning("The metrics lack the outbox: %s", failure)
            return
        age = 0.0 if state.oldest_at is None else (datetime.now(UTC) - state.oldest_at).total_seconds()
        yield GaugeMetricFamily("outbox_pending", "Events that wait for Kafka.", state.pending)
        yield GaugeMetricFamily(
            "outbox_oldest_unpublished_seconds", "Age of the first event that waits.", max(0.0, age)
        )
        yield GaugeMetricFamily("outbox_rejected", "Events that were set aside.", state.rejected)


class MetricsMiddleware:
    """Counts and times each request by its route, never by its path."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            route = getattr(scope.get("route"), "path", _OTHER)
            self._metrics.answered(route, scope["method"], status, time.perf_counter() - started)
