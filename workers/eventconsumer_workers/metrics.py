"""What a worker counts about itself, in Prometheus' form: GET /metrics on the health port.

Everything is counted by the batch or by the call of a handler, never by the message of a fast batch: at a
million events a second even a counter would be felt. The process's default registry is used, so what a team's
own handler registers with ``prometheus_client`` is served beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE

if TYPE_CHECKING:
    from datetime import datetime

    from prometheus_client import CollectorRegistry

__all__ = ["CONTENT_TYPE", "Metrics", "text"]

# From a batch of log lines (under a millisecond) to a handler that waits for somebody else's timeout.
_HANDLER_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The figures of one worker process; every method may be called from any thread."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._processed = Counter(
            "eventconsumer_worker_processed",
            "Messages that need no further work: handled, filtered (a type that is not wanted), dead_letter.",
            ["result"],
            registry=registry,
        )
        self._handled = self._processed.labels("handled")
        self._filtered = self._processed.labels("filtered")
        self._set_aside = self._processed.labels("dead_letter")
        self._dead_letters = Counter(
            "eventconsumer_worker_dead_letters",
            "Messages in the dead-letter topic, by cause: malformed, rejected (by the handler), exhausted.",
            ["cause"],
            registry=registry,
        )
        self._seconds = Histogram(
            "eventconsumer_worker_handler_seconds",
            "Seconds that one call of the handler took, for a batch or for one event.",
            buckets=_HANDLER_BUCKETS,
            registry=registry,
        )
        self._retries = Counter(
            "eventconsumer_worker_retries", "Attempts beyond the first to handle an event.", registry=registry
        )
        self._depth = Gauge(
            "eventconsumer_worker_queue_depth",
            "Messages that were taken from Kafka and are not finished.",
            registry=registry,
        )
        self._partitions = Gauge(
            "eventconsumer_worker_assigned_partitions",
            "Partitions that the group has given to this worker.",
            registry=registry,
        )
        self.sinks = SinkMetrics(registry)
        self._verified = Gauge(
            "eventconsumer_worker_audit_verified_timestamp_seconds",
            "When the audit log's chain was last found whole, in seconds since 1970; 0 before that.",
            registry=registry,
        )

    def handled(self, count: int, seconds: float) -> None:
        """Count a call of the handler that finished so many events."""
        self._handled.inc(count)
        self._seconds.observe(seconds)

    def filtered(self, count: int) -> None:
        """Count events that pass by because their type is not wanted."""
        self._filtered.inc(count)

    def retried(self, count: int) -> None:
        """Count events that are tried once more."""
        self._retries.inc(count)

    def dead_lettered(self, count: int, cause: str) -> None:
        """Count messages that the dead-letter topic has acknowledged."""
        self._set_aside.inc(count)
        self._dead_letters.labels(cause).inc(count)

    def queued(self, count: int) -> None:
        """Note how many messages are taken and not finished."""
        self._depth.set(count)

    def assigned(self, count: int) -> None:
        """Note how many partitions are ours."""
        self._partitions.set(count)

    def chain_verified(self, at: datetime) -> None:
        """Note when the audit log's chain was found whole."""
        self._verified.set(at.timestamp())


class SinkMetrics:
    """The figures of each sink of a worker; every method may be called from any thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "eventconsumer_worker_sink_seconds",
            "Seconds that one attempt to deliver to a sink took.",
            ["sink"],
            buckets=_HANDLER_BUCKETS,
            registry=registry,
        )
        self._deliveries = Counter(
            "eventconsumer_worker_sink_deliveries",
            "Attempts to deliver by sink and result: delivered, refused, busy, unavailable.",
            ["sink", "result"],
            registry=registry,
        )
        self._waiting = Gauge(
            "eventconsumer_worker_sink_waiting",
            "Notifications that wait for a sink.",
            ["sink"],
            registry=registry,
        )
        self._circuit = Gauge(
            "eventconsumer_worker_sink_circuit_open",
            "1 while notifications wait for a sink whose circuit breaker lets nothing through, else 0.",
            ["sink"],
            registry=registry,
        )

    def attempted(self, sink: str, result: str, seconds: float) -> None:
        """Count one attempt to deliver to a sink: ``delivered``, ``refused``, ``busy`` or ``unavailable``."""
        self._deliveries.labels(sink, result).inc()
        self._seconds.labels(sink).observe(seconds)

    def state(self, sink: str, *, waiting: int, is_open: bool) -> None:
        """Note how many notifications wait for a sink, and whether its circuit breaker is open."""
        self._waiting.labels(sink).set(waiting)
        self._circuit.labels(sink).set(is_open)


def text(registry: CollectorRegistry = REGISTRY) -> bytes:
    """Return all figures in Prometheus' text format."""
    return generate_latest(registry)
