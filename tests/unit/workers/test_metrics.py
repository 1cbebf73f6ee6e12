"""A worker's figures: counted by the batch, told in Prometheus' words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter

from eventconsumer_workers.health import Pulse, served
from eventconsumer_workers.metrics import Metrics, text

README = Path(__file__).resolve().parents[3] / "workers" / "README.md"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_every_message_is_counted_by_what_became_of_it(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry)
    metrics.handled(1997, 0.004)
    metrics.filtered(2)
    metrics.dead_lettered(1, "malformed")
    told = text(registry).decode()
    assert 'eventconsumer_worker_processed_total{result="handled"} 1997.0' in told
    assert 'eventconsumer_worker_processed_total{result="filtered"} 2.0' in told
    assert 'eventconsumer_worker_processed_total{result="dead_letter"} 1.0' in told
    assert 'eventconsumer_worker_dead_letters_total{cause="malformed"} 1.0' in told
    assert 'eventconsumer_worker_handler_seconds_bucket{le="0.005"} 1.0' in told


def test_what_has_not_happened_yet_is_shown_as_0(registry: CollectorRegistry) -> None:
    Metrics(registry)
    told = text(registry).decode()
    for result in ("handled", "filtered", "dead_letter"):
        assert f'eventconsumer_worker_processed_total{{result="{result}"}} 0.0' in told
    assert "eventconsumer_worker_retries_total 0.0" in told


def test_the_last_look_at_the_chain_is_told_in_seconds_since_1970(registry: CollectorRegistry) -> None:
    Metrics(registry).chain_verified(datetime(2026, 1, 15, 10, 30, tzinfo=UTC))
    assert registry.get_sample_value("eventconsumer_worker_audit_verified_timestamp_seconds") == 1768473000


def test_sinks_are_told_apart(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry).sinks
    metrics.attempted("chat", "delivered", 0.2)
    metrics.attempted("mail", "unavailable", 5.0)
    metrics.state("mail", waiting=7, is_open=True)
    deliveries = "eventconsumer_worker_sink_deliveries_total"
    assert registry.get_sample_value(deliveries, {"sink": "chat", "result": "delivered"}) == 1
    assert registry.get_sample_value(deliveries, {"sink": "mail", "result": "unavailable"}) == 1
    assert registry.get_sample_value("eventconsumer_worker_sink_waiting", {"sink": "mail"}) == 7
    assert registry.get_sample_value("eventconsumer_worker_sink_circuit_open", {"sink": "mail"}) == 1


def test_what_a_handler_registers_itself_is_served_on_the_health_port() -> None:
    Counter("orders_shipped", "Orders on their way.").inc(3)
    with served(Pulse(), 0) as port:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
    assert (response.status, "orders_shipped_total 3.0" in body) == (200, True)
    assert (response.getheader("Content-Type") or "").startswith("text/plain; version=0.0.4")


def test_the_documented_metrics_are_those_there_are(registry: CollectorRegistry) -> None:
    Metrics(registry)
    documented = re.findall(r"^\| `(eventconsumer_worker_\w+)", README.read_text(), re.MULTILINE)
    names = {
        f"{family.name}_total" if family.type == "counter" else family.name for family in registry.collect()
    }
    assert set(documented) == names
