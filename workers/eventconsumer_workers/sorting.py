"""What is to be done with the messages of a batch: to work on, to set aside or to pass by. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from eventconsumer_workers.dead_letters import Letter
from eventconsumer_workers.envelope import Event, Outcome, Rejected, read_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_workers.handlers import Record


@dataclass(frozen=True, slots=True)
class Sorted:
    """Messages as they were received, and beside each what it is."""

    records: Sequence[Record]
    outcomes: Sequence[Outcome]
    whole: bool
    """Whether all of them are wanted events."""

    def wanted(self) -> tuple[Sequence[Event], Sequence[Record]]:
        """Return the events to work on, beside their records."""
        if self.whole:
            return cast("Sequence[Event]", self.outcomes), self.records
        pairs = zip(self.outcomes, self.records, strict=True)
        chosen = [(outcome, record) for outcome, record in pairs if isinstance(outcome, Event)]
        return [event for event, _ in chosen], [record for _, record in chosen]

    def letters(self) -> list[Letter]:
        """Return the dead letters of those that are no events."""
        if self.whole:
            return []
        pairs = zip(self.outcomes, self.records, strict=True)
        return [Letter(record, str(fault)) for fault, record in pairs if isinstance(fault, Rejected)]

    def passed_by(self) -> int:
        """Return how many are events of a type that is not wanted."""
        return 0 if self.whole else sum(outcome is None for outcome in self.outcomes)


def sort(records: Sequence[Record], wanted: frozenset[str]) -> Sorted:
    """Read a batch of messages."""
    outcomes, whole = read_all([record.value() for record in records], wanted)
    return Sorted(records, outcomes, whole)
