"""How an event of the outbox becomes a message: pure, and the same for every relay that may take over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_api.events import headers
from eventconsumer_api.publisher import Outgoing

if TYPE_CHECKING:
    from eventconsumer_api.storage.outbox import WaitingEvent


class EncodingDelayed(Exception):  # noqa: N818  # a state of the world, not a mistake in the program
    """Events cannot be encoded now; they stay in the outbox, and the text says what stands in the way."""


def as_json(event: WaitingEvent) -> Outgoing:
    """Return the event with the JSON that was committed, byte for byte."""
    return Outgoing(event.key, event.payload, headers(event))
