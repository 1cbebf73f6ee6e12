"""With OpenTelemetry, one trace leads from a request over its event to the worker that handles it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from confluent_kafka import Message
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from eventconsumer_api import tracing
from eventconsumer_api.encoding import as_json
from eventconsumer_api.storage.outbox import WaitingEvent
from eventconsumer_api.tracing import Traces, traced
from eventconsumer_workers import tracing as workers
from tests.support.running_api import running

if TYPE_CHECKING:
    from pathlib import Path

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(spans: InMemorySpanExporter) -> Traces:
    return Traces(SimpleSpanProcessor(spans))


def an_event(traceparent: str) -> WaitingEvent:
    return WaitingEvent(
        sequence=1,
        id=str(UUID(int=1)),
        key="task",
        type="task.created",
        payload="{}",
        time="2026-01-15T10:30:00+00:00",
        traceparent=traceparent,
    )


def test_request_message_and_worker_are_spans_of_the_callers_trace(
    traces: Traces, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "set_tracer_provider", lambda _: None)
    with traces.request("POST", "/tasks", TRACEPARENT) as (_, carried):
        pass
    _, _, headers = traced(as_json, traces, "task-events")(an_event(carried))
    received = Message("task-events", 0, 0, b"task", b"{}")
    received.set_headers(headers)
    worker = workers.Traces(SimpleSpanProcessor(spans), topic="task-events", group="notification-service")
    with worker.one(received):
        pass
    worker.close()

    request, message, processing = spans.get_finished_spans()
    assert [span.name for span in (request, message, processing)] == [
        "POST",
        "create task-events",
        "process task-events",
    ]
    for child, parent in ((message, request), (processing, message)):
        assert child.parent is not None
        assert child.parent.span_id == parent.context.span_id
    assert {f"{span.context.trace_id:032x}" for span in (request, message, processing)} == {TRACE}


def test_a_request_is_named_by_its_route_and_its_answer(
    tmp_path: Path, traces: Traces, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "started", lambda: traces)
    with running(tmp_path) as api:
        api.get(f"/tasks/{UUID(int=7)}", headers={"traceparent": TRACEPARENT})
    (span,) = spans.get_finished_spans()
    assert span.name == "GET /tasks/{task_id}"
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 404
    assert f"{span.context.trace_id:032x}" == TRACE


def test_without_an_endpoint_nothing_of_opentelemetry_is_imported() -> None:
    script = (
        "import sys; from eventconsumer_api.tracing import started; assert started() is None;"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_an_endpoint_turns_traces_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    found = tracing.started()
    assert found is not None
    found.close()
