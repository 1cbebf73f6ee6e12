"""How an event of the outbox becomes a message: pure, and the same for every relay that may take over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_api.events import headers

if TYPE_CHECKING:
    from eventconsumer_api.publisher import Outgoing
    from eventconsumer_api.storage.outbox import WaitingRow


class EncodingDelayed(Exception):  # noqa: N818  # a state of the world, not a mistake in the program
    """Events cannot be encoded now; they stay in the outbox, and the text says what stands in the way."""


def as_json(event: WaitingRow) -> Outgoing:
    """Return the event with the JSON that was committed, byte for byte."""
    _, event_id, key, event_type, payload, moment, traceparent = event
    return key, payload, headers(event_id, event_type, moment, traceparent)
