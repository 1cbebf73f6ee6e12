"""Traces go on from the header that a message came with, and cost nothing where nobody asked for them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from eventconsumer_workers.traced import TracedBatches
from eventconsumer_workers.tracing import Traces, carried, passed_on, started
from tests.support.events import encoded
from tests.support.records import batch, record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from confluent_kafka import Message

    from eventconsumer_workers.handlers import Batch

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def received(traceparent: str | None = PARENT) -> Message:
    found = record(b"", partition=2, offset=41)
    if traceparent is not None:
        found.set_headers([("traceparent", traceparent.encode())])
    return found


class Recording:
    def __init__(self, handled: list[Batch]) -> None:
        self.handle = handled.append

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        return dict.fromkeys(partitions, 7)

    def revoked(self, partitions: Collection[int]) -> None: ...

    def lost(self, partitions: Collection[int]) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Traces]:
    monkeypatch.setattr(trace, "set_tracer_provider", lambda _: None)
    traces = Traces(SimpleSpanProcessor(spans), topic="task-events", group="notification-service")
    yield traces
    traces.close()


def test_a_span_around_one_message_goes_on_with_its_trace(
    traces: Traces, spans: InMemorySpanExporter
) -> None:
    with traces.one(received()):
        sent = traces.carried()
    [span] = spans.get_finished_spans()
    assert (span.name, span.parent and f"{span.parent.trace_id:032x}") == ("process task-events", TRACE)
    assert span.attributes is not None
    assert span.attributes["messaging.kafka.offset"] == 41
    assert span.resource.attributes["service.name"] == "notification-service"
    assert sent["traceparent"].startswith(f"00-{TRACE}-")
    assert sent["traceparent"] != PARENT


def test_a_span_around_a_batch_links_to_the_traces_of_its_messages(
    traces: Traces, spans: InMemorySpanExporter
) -> None:
    with traces.batch([received(), received(None), received("00-garbage"), received()]):
        pass
    [span] = spans.get_finished_spans()
    assert span.parent is None
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [TRACE, TRACE]
    assert span.attributes is not None
    assert span.attributes["messaging.batch.message_count"] == 4


def test_a_traced_batch_is_handled_as_it_is_and_its_span_ends_with_it(
    traces: Traces, spans: InMemorySpanExporter
) -> None:
    handled: list[Batch] = []
    given = batch(encoded(), encoded())
    TracedBatches(Recording(handled), traces).handle(given)
    assert handled == [given]
    [span] = spans.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["messaging.batch.message_count"] == 2


def test_bytes_that_are_no_text_carry_no_trace() -> None:
    assert carried([("traceparent", b"\xff"), ("other", b"x"), ("tracestate", None)]) == {
        "traceparent": "\ufffd"
    }
    assert carried(None) == {}


def test_without_an_endpoint_nothing_of_opentelemetry_is_imported() -> None:
    script = (
        "import sys; from eventconsumer_workers.tracing import started;"
        "assert started(topic='t', group='g') is None;"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_an_endpoint_turns_traces_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "set_tracer_provider", lambda _: None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    traces = started(topic="t", group="g")
    assert traces is not None
    traces.close()


def test_a_message_s_trace_is_passed_on_as_it_came() -> None:
    came: list[tuple[str, str | bytes | None]] = [
        ("traceparent", PARENT.encode()),
        ("tracestate", b"vendor=1"),
        ("own", b"1"),
    ]
    assert passed_on(came) == {"traceparent": PARENT, "tracestate": "vendor=1"}


@pytest.mark.parametrize("odd", [b"", b"00-not-a-trace", f"{PARENT}\r\nX-Admin: 1".encode(), b"\xff"])
def test_what_is_no_trace_reaches_nobody_s_headers(odd: bytes) -> None:
    assert passed_on([("traceparent", odd), ("tracestate", b"vendor=1")]) == {}
    assert passed_on([("traceparent", PARENT.encode()), ("tracestate", b"a\r\nb")]) == {"traceparent": PARENT}
