"""Records and batches for tests of what works on them, made without a broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import Message

from eventconsumer_workers.envelope import read
from eventconsumer_workers.handlers import Batch

if TYPE_CHECKING:
    from eventconsumer_workers.envelope import Event


def record(value: bytes | None, *, partition: int = 0, offset: int = 0, key: bytes | None = None) -> Message:
    """Return a message as the client hands it over."""
    return Message("orders", partition, offset, key, value)


def batch(*values: bytes, partition: int = 0, first_offset: int = 0) -> Batch:
    """Return these events as a batch of one partition that is ours."""
    events: list[Event] = []
    for value in values:
        event = read(value, frozenset())
        assert event is not None
        events.append(event)
    records = [record(value, partition=partition, offset=first_offset + n) for n, value in enumerate(values)]
    return Batch(events, records, lambda: True)
