"""The trace of each request: from its headers, through its work, to the event that it causes.

Where an endpoint for OpenTelemetry is set, a request and the making of each message are spans of that trace,
and it is their context that is carried on. Without one nothing of OpenTelemetry is imported, and the
caller's `traceparent` is carried as it came.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from eventconsumer_api.raw_headers import header
from eventconsumer_api.traceparent import set_current_traceparent, valid_traceparent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from eventconsumer_api.publisher import Outgoing
    from eventconsumer_api.storage.outbox import WaitingRow

_log = logging.getLogger(__name__)

HEADER = "traceparent"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_SERVER_ERROR = 500


class Traces:
    """Makes the spans of the Task API."""

    def __init__(self, processor: SpanProcessor) -> None:
        # Imported where it is wanted: it takes a tenth of a second and megabytes.
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "task-api"}
        self._provider = TracerProvider(resource=Resource.create(named))
        self._provider.add_span_processor(processor)
        self._api = trace
        self._tracer = self._provider.get_tracer("eventconsumer_api")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, method: str, path: str, parent: str | None) -> Iterator[tuple[Span, str]]:
        """Trace a request; give its span, and the `traceparent` that its events carry."""
        with self._tracer.start_as_current_span(
            method,
            context=self._context(parent),
            kind=self._api.SpanKind.SERVER,
            attributes={"http.request.method": method, "url.path": path},
        ) as span:
            yield span, self._carried()

    def message(self, topic: str, parent: str | None) -> str:
        """Note that a message for ``topic`` was made; return the `traceparent` that it carries."""
        with self._tracer.start_as_current_span(
            f"create {topic}",
            context=self._context(parent),
            kind=self._api.SpanKind.PRODUCER,
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.type": "create",
                "messaging.destination.name": topic,
            },
        ):
            return self._carried()

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def _context(self, parent: str | None) -> Context:
        return self._propagator.extract({} if parent is None else {HEADER: parent})

    def _carried(self) -> str:
        found: dict[str, str] = {}
        self._propagator.inject(found)
        return found[HEADER]


def started() -> Traces | None:
    """Return what makes spans, where the environment names an endpoint for them, else None."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  # see Traces
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        _log.warning("Traces are asked for, and OpenTelemetry is missing: install eventconsumer[otel]")
        return None
    _log.info("Traces are sent to the OpenTelemetry endpoint")
    return Traces(BatchSpanProcessor(OTLPSpanExporter()))


def traced(
    encode: Callable[[WaitingRow], Outgoing], traces: Traces, topic: str
) -> Callable[[WaitingRow], Outgoing]:
    """Return ``encode`` with a span around each event, which the message then carries."""

    def with_span(event: WaitingRow) -> Outgoing:
        return encode((*event[:-1], traces.message(topic, event[-1])))

    return with_span


class TraceMiddleware:
    """Puts the trace of a request into the context that it is handled in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = valid_traceparent(header(scope, b"traceparent"))
        traces: Traces | None = scope.get("state", {}).get("traces")
        if traces is None:
            set_current_traceparent(sent)
            await self._app(scope, receive, send)
            return
        with traces.request(scope["method"], scope["path"], sent) as (span, carried):
            set_current_traceparent(carried)
            await self._app(scope, receive, _noting_status(send, span))
            if route := scope.get("route"):
                span.update_name(f"{scope['method']} {route.path}")
                span.set_attribute("http.route", route.path)


def _noting_status(send: Send, span: Span) -> Send:
    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            span.set_attribute("http.response.status_code", message["status"])
            if message["status"] >= _SERVER_ERROR:
                span.set_attribute("error.type", str(message["status"]))
        await send(message)

    return noting
