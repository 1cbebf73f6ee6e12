"""What is to be done with the messages of a batch: to work on, to set aside or to pass by. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from eventconsumer_workers.dead_letters import Letter
from eventconsumer_workers.envelope import Rejected, read_all
from eventconsumer_workers.opened import Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_workers.envelope import Event, Outcome
    from eventconsumer_workers.handlers import Record


@dataclass(frozen=True, slots=True)
class Sorted:
    """Messages as they were received, and beside each what it is."""

    records: Sequence[Record]
    outcomes: Sequence[Outcome]
    odd: Sequence[int]
    """The places, rising, of those that are no events to work on: of few messages in most batches."""

    def wanted(self) -> tuple[Sequence[Event], Sequence[Record]]:
        """Return the events to work on, beside their records."""
        outcomes, records = self.outcomes, self.records
        if self.odd:
            outcomes, records = list(outcomes), list(records)
            for place in reversed(self.odd):
                del outcomes[place], records[place]
        return cast("Sequence[Event]", outcomes), records

    def letters(self) -> list[Letter]:
        """Return the dead letters of those that are no events."""
        return [
            Letter(self.records[place], str(fault))
            for place in self.odd
            if isinstance(fault := self.outcomes[place], Rejected)
        ]

    def passed_by(self) -> int:
        """Return how many are events of a type that is not wanted."""
        return sum(self.outcomes[place] is None for place in self.odd)


def sort(records: Sequence[Record], wanted: frozenset[str]) -> Sorted:
    """Read a batch of messages."""
    outcomes, odd = read_all([record.value() for record in records], wanted)
    for place in odd:
        record = records[place]
        if isinstance(record, Unreadable):
            outcomes[place] = Rejected(record.reason)
    return Sorted(records, outcomes, odd)
