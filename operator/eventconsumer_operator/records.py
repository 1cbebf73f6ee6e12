"""What comes next for each position of each group, read once and remembered while the group stands there.

Two things are told by the first record that a reader of committed records is given: since when records wait,
and whether there is any record at all. What a transaction leaves at a log's end (its control records, and
records that were aborted) counts as offsets and is never delivered: lag in offsets would never be 0 there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eventconsumer_operator.lag import Offsets

MOST_READ = 200
"""How many records are read in one round at most; the others follow in the next ones."""

Place = tuple[str, int]
"""A topic and one of its partitions."""
Position = tuple[Place, int]
"""A place and an offset there."""


@dataclass(frozen=True)
class Peeked:
    """What a reader of committed records found at some positions."""

    written_at: dict[Place, float] = field(default_factory=dict)
    """When the first record was written (Unix time)."""
    ended: dict[Place, int] = field(default_factory=dict)
    """Where the log ended, or a transaction was still open, before there was any record."""


class Peeker(Protocol):
    """Reads one record from each position on."""

    async def peek(self, positions: Mapping[Place, int]) -> Peeked:
        """Return what comes next; what could not be read in time is absent."""
        ...


@dataclass
class FirstRecords:
    """What is known of one Kafka cluster."""

    _written_at: dict[Position, float] = field(default_factory=dict)
    _ended: dict[Position, int] = field(default_factory=dict)

    async def learn(
        self,
        peeker: Peeker,
        positions: Iterable[Position],
        ends: Mapping[Place, int],
        *,
        needless: Callable[[Position], bool] = lambda _: False,
    ) -> None:
        """Read what is not known yet and not ``needless``, and forget positions that nobody is at."""
        wanted = set(positions)
        self._written_at = {at: moment for at, moment in self._written_at.items() if at in wanted}
        self._ended = {at: end for at, end in self._ended.items() if at in wanted and end >= ends[at[0]]}
        # Groups stand at different offsets of one partition, and a read can only start at one of them: one a
        # round.
        missing: dict[Place, int] = {}
        for place, offset in sorted(wanted - self._written_at.keys() - self._ended.keys()):
            if len(missing) < MOST_READ and not needless((place, offset)):
                missing.setdefault(place, offset)
        if missing:
            found = await peeker.peek(missing)
            self._written_at |= {(place, missing[place]): at for place, at in found.written_at.items()}
            self._ended |= {(place, missing[place]): end for place, end in found.ended.items()}

    def written_at(self, position: Position) -> float | None:
        """Return when the first record from a position on was written; None while that is unknown."""
        return self._written_at.get(position)

    def mark(
        self, offsets: Mapping[int, Offsets], positions: Mapping[Place, int], ends: Mapping[Place, int]
    ) -> dict[int, Offsets]:
        """Mark the partitions of one topic that hold no record between a group's position and the end."""
        hollow = {
            place[1]
            for place, offset in positions.items()
            if self._ended.get((place, offset), -1) >= ends[place]
        }
        return {
            number: replace(entry, hollow=True) if number in hollow else entry
            for number, entry in offsets.items()
        }
