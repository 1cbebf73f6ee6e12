"""Where notifications go: one module a kind of receiver, one protocol.

``targets`` decides which addresses a sink may connect to and ``posting`` connects to exactly those;
``templates`` gives the words, ``signature`` proves who sent them, ``answers`` reads what a receiver replied.
A sink knows neither Kafka nor the loop: it is given one notification and returns once the receiver has it, or
raises why not. Whether and when to try again is not its business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eventconsumer_workers.envelope import Event


class _Parts(msgspec.Struct):
    data: dict[str, Any]
    metadata: dict[str, Any]


_parts = msgspec.json.Decoder(_Parts).decode
# All that is visible in ASCII. Without %, or two ids could become the same.
_VISIBLE = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")


@dataclass(frozen=True, slots=True)
class Notification:
    """One event on its way to people or to other systems."""

    event_id: str
    event_type: str
    occurred_at: str
    correlation_id: str | None
    body: bytes
    """The event as it was published."""
    trace: Mapping[str, str] = field(default_factory=dict)
    """The headers by which a request belongs to the event's trace."""

    @classmethod
    def of(cls, event: Event, body: bytes, trace: Mapping[str, str]) -> Notification:
        """Return the notification of an event that was read from these bytes."""
        return cls(event.event_id, event.event_type, event.occurred_at, event.correlation_id, body, trace)

    @property
    def header_id(self) -> str:
        """The event's id as a header can hold it: percent-encoded where it is more than visible ASCII."""
        return quote(self.event_id, safe=_VISIBLE)

    def fields(self) -> dict[str, Any]:
        """Return what templates see; raise ``Refused`` when the event can't be read so far."""
        try:
            parts = _parts(self.body)
        except (msgspec.DecodeError, RecursionError) as fault:
            raise Refused(f"its data can't be read: {fault}") from fault
        return {
            "event_type": self.event_type,
            "event_id": self.event_id,
            "occurred_at": self.occurred_at,
            "data": parts.data,
            "metadata": parts.metadata,
        }


class Refused(Exception):  # noqa: N818  # what became of the event, not a fault of ours
    """The receiver will never take this event; another one may well pass."""


class Unavailable(Exception):  # noqa: N818  # a state of the receiver, which time or a person changes
    """The receiver takes nothing now: it is down, slow, or does not accept us."""


class Busy(Unavailable):
    """The receiver is well and asks us to wait."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds
        """How long it asks us to wait."""


class SinkError(Exception):
    """A sink can't be made as it is described; the text names the sink and the field."""


class Sink(Protocol):
    """What the notification worker asks of a receiver; it is called from several threads at once."""

    def deliver(self, notification: Notification) -> None:
        """Return when the receiver has the notification; raise ``Refused`` or ``Unavailable`` otherwise."""

    def close(self) -> None:
        """Let go of connections."""
