"""Messages whose value was in Avro, as the rest of a worker sees them. Pure.

What works on events, the audit log too, sees the JSON that the Avro stands for; a dead letter holds the
message as it was received.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventconsumer_workers.handlers import Headers, Record

MAGIC = b"\x00"
"""What Confluent's wire format begins with, and JSON never does."""
FRAME_BYTES = 5
"""That byte, and the schema's id."""


def is_framed(value: bytes | None) -> bool:
    """Say whether a value is in Confluent's wire format."""
    return value is not None and value.startswith(MAGIC)


class Opened:
    """A message with another value than the one that it was received with."""

    __slots__ = ("_value", "received")

    def __init__(self, received: Record, value: bytes | None) -> None:
        self.received = received
        self._value = value

    def value(self) -> bytes | None:
        """Return the JSON of the event."""
        return self._value

    def topic(self) -> str | None:
        """Return the topic it is from."""
        return self.received.topic()

    def partition(self) -> int | None:
        """Return the partition it is from."""
        return self.received.partition()

    def offset(self) -> int | None:
        """Return its offset."""
        return self.received.offset()

    def key(self) -> bytes | None:
        """Return its key."""
        return self.received.key()

    def headers(self) -> Headers | None:
        """Return its headers."""
        return self.received.headers()

    def timestamp(self) -> tuple[int, int]:
        """Return the kind of its time, and its time in milliseconds."""
        return self.received.timestamp()

    def leader_epoch(self) -> int | None:
        """Return the epoch of the leader that it came from."""
        return self.received.leader_epoch()


class Unreadable(Opened):
    """A message that can't be read; ``reason`` says why."""

    __slots__ = ("reason",)

    def __init__(self, received: Record, reason: str) -> None:
        super().__init__(received, received.value())
        self.reason = reason


def as_received(record: Record) -> Record:
    """Return the message as it came from Kafka."""
    return record.received if isinstance(record, Opened) else record
