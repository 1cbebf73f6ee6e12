"""What follows from Kafka's reports on a batch: which events leave the outbox, and what is noted of them.

Decisions only: whoever calls does what they say. Invariant: of one task's events, none leaves the outbox
before an earlier one that stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from eventconsumer_api.publisher import ACKNOWLEDGED, Outcome
from eventconsumer_api.storage import deliveries
from eventconsumer_api.storage.deliveries import PublishedEvent
from eventconsumer_api.storage.outbox import WaitingEvent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from eventconsumer_api.publisher import Delivery, Receipt
    from eventconsumer_api.storage.outbox import WaitingRow


@dataclass(frozen=True, slots=True)
class Settlement:
    """What follows from the reports on a batch."""

    acknowledged: Sequence[int]
    """Positions of events to delete."""
    refused: Sequence[int]
    """Positions of events to set aside."""
    failure: str | None
    """Why the first failed event failed; it and all failed ones stay."""


def settle(events: Sequence[WaitingRow], reports: Sequence[Delivery]) -> Settlement:
    """Sort a batch by its reports, up to the first failure for each task.

    Behind a failure, the later events of the same task stay too, even acknowledged ones: publishing them
    again keeps the last word on a task with its last event.
    """
    if reports.count(ACKNOWLEDGED) == len(events):
        return Settlement(range(len(events)), [], None)
    acknowledged, refused, failure = [], [], None
    stopped: set[str] = set()
    for position, ((_, _, key, *_), report) in enumerate(zip(events, reports, strict=True)):
        if report.outcome is Outcome.FAILED:
            stopped.add(key)
            failure = failure or report.reason
        elif key in stopped:
            continue
        elif report.outcome is Outcome.REFUSED:
            refused.append(position)
        else:
            acknowledged.append(position)
    return Settlement(acknowledged, refused, failure)


def published(
    events: Sequence[WaitingRow], receipt: Receipt, settlement: Settlement, now: datetime
) -> list[PublishedEvent]:
    """Return what there is to note of a batch: the places of the newest events that leave the outbox."""
    leaving = set(settlement.acknowledged[-deliveries.OF_A_BATCH :])
    return [
        PublishedEvent(UUID(event.id), UUID(event.key), event.type, place.partition, place.offset, now)
        for place in sorted(receipt.places)
        if place.position in leaving
        for event in (WaitingEvent._make(events[place.position]),)
    ]
