"""Handlers with a span around their work: put around the real one only where traces are wanted.

So the loop and the handlers know nothing of traces, and a worker without them pays nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from eventconsumer_workers.handlers import Batch, BatchHandler, Delivery, EventHandler, Underway
    from eventconsumer_workers.tracing import Traces


class TracedEvents:
    """An event handler whose every call is a part of its message's trace."""

    def __init__(self, handler: EventHandler, traces: Traces) -> None:
        self._handler = handler
        self._traces = traces

    def deliver(self, delivery: Delivery) -> None:
        """Handle the event inside a span."""
        with self._traces.one(delivery.record):
            self._handler.deliver(delivery)

    def close(self) -> None:
        """Close the handler; send what is left of the traces."""
        self._handler.close()
        self._traces.close()


class TracedBatches:
    """A batch handler whose every call is a span, linked to the traces of its messages."""

    def __init__(self, handler: BatchHandler, traces: Traces) -> None:
        self._handler = handler
        self._traces = traces

    def handle(self, batch: Batch) -> Underway | None:
        """Handle the batch inside a span."""
        with self._traces.batch(batch.records):
            return self._handler.handle(batch)

    def assigned(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Ask the handler where to go on."""
        return self._handler.assigned(partitions)

    def revoked(self, partitions: Collection[int]) -> None:
        """Tell the handler that partitions go."""
        self._handler.revoked(partitions)

    def lost(self, partitions: Collection[int]) -> None:
        """Tell the handler that partitions are gone."""
        self._handler.lost(partitions)

    def close(self) -> None:
        """Close the handler; send what is left of the traces."""
        self._handler.close()
        self._traces.close()
