"""OpenTelemetry traces of what a worker does with messages: only where an endpoint is set to send them to.

A span around one message continues the trace of its `traceparent` header; one around a batch links to the
traces of its messages, since it can have one parent only. Without OTEL_EXPORTER_OTLP_ENDPOINT nothing of
OpenTelemetry is imported, and the loop asks for nothing.
"""

from __future__ import annotations

import logging
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from eventconsumer_workers.record_headers import header_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor

    from eventconsumer_workers.handlers import Headers, Record


_log = logging.getLogger(__name__)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# The most links that the specification gives a span by default.
_MOST_LINKS = 128
_CARRIED = ("traceparent", "tracestate")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


class Traces:
    """Makes the spans of one worker."""

    def __init__(self, processor: SpanProcessor, *, topic: str, group: str) -> None:
        # Imported where it is wanted: it takes a tenth of a second and megabytes.
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": group}
        self._provider = TracerProvider(resource=Resource.create(named))
        self._provider.add_span_processor(processor)
        # What a team's handler or a library inside it traces belongs to the same traces.
        trace.set_tracer_provider(self._provider)
        self._api = trace
        self._tracer = self._provider.get_tracer("eventconsumer_workers")
        self._propagator = TraceContextTextMapPropagator()
        self._topic = topic
        self._attributes: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.destination.name": topic,
            "messaging.consumer.group.name": group,
        }

    @contextmanager
    def one(self, record: Record) -> Iterator[None]:
        """Trace the handling of one message, as a part of the trace that it came with."""
        place: dict[str, str | int] = {
            "messaging.destination.partition.id": str(record.partition()),
            "messaging.kafka.offset": record.offset() or 0,
        }
        with self._tracer.start_as_current_span(
            f"process {self._topic}",
            context=self._context(record),
            kind=self._api.SpanKind.CONSUMER,
            attributes={**self._attributes, **place},
        ):
            yield

    @contextmanager
    def batch(self, records: Sequence[Record]) -> Iterator[None]:
        """Trace the handling of a batch, linked to the traces that its messages came with."""
        spans = (
            self._api.get_current_span(self._context(record)).get_span_context()
            for record in records[:_MOST_LINKS]
        )
        with self._tracer.start_as_current_span(
            f"process {self._topic}",
            kind=self._api.SpanKind.CONSUMER,
            links=[self._api.Link(span) for span in spans if span.is_valid],
            attributes={**self._attributes, "messaging.batch.message_count": len(records)},
        ):
            yield

    def carried(self) -> dict[str, str]:
        """Return the headers that carry the current span on, for a request to somebody else."""
        found: dict[str, str] = {}
        self._propagator.inject(found)
        return found

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def _context(self, record: Record) -> Context:
        return self._propagator.extract(carried(header_list(record)))


def carried(headers: Headers | None) -> dict[str, str]:
    """Return those headers of a message that carry its trace; what is no text is left out."""
    found: dict[str, str] = {}
    for name, value in dict(headers or ()).items():
        if name in _CARRIED and value is not None:
            found[name] = value if isinstance(value, str) else value.decode("ascii", "replace")
    return found


def passed_on(headers: Headers | None) -> dict[str, str]:
    """Return what a request to somebody else carries of a message's trace: nothing where that is none."""
    found = carried(headers)
    if not _TRACEPARENT.fullmatch(found.get("traceparent", "")):
        return {}
    return {name: value for name, value in found.items() if value.isascii() and value.isprintable()}


def started(*, topic: str, group: str) -> Traces | None:
    """Return what makes traces, where the environment names an endpoint for them, else None."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  # see Traces
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        _log.warning("Traces are asked for, and this image lacks OpenTelemetry: install eventconsumer[otel]")
        return None
    _log.info("Traces are sent to the OpenTelemetry endpoint")
    return Traces(BatchSpanProcessor(OTLPSpanExporter()), topic=topic, group=group)
