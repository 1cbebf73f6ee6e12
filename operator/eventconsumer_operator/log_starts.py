"""Where logs begin, remembered for a while: only retention moves a start, and that never in a hurry. Pure.

The end of every log is asked for in each round. Its start is asked for once, and then only while somebody has
records to read there, and only every so often: a group that has read all stands at the end, wherever the log
begins. A start that is a little old lies too low at worst, which overstates lag and never understates it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from eventconsumer_operator.records import Place

GOOD_FOR_SECONDS = 30.0


class LogStarts:
    """The log starts of one Kafka cluster's partitions."""

    def __init__(self) -> None:
        self._starts: dict[Place, tuple[int, float]] = {}

    def unknown(self, places: Collection[Place], *, unread: Collection[Place], at: float) -> set[Place]:
        """Return the partitions whose start has to be asked for, ``at`` being now in seconds.

        Among those with ``unread`` records, one that is too old brings along all the others, so that they are
        asked for together ever after.
        """
        never = {place for place in places if place not in self._starts}
        known = (self._starts.get(place) for place in unread)
        if any(entry is None or at - entry[1] >= GOOD_FOR_SECONDS for entry in known):
            return never | set(unread)
        return never

    def learn(self, starts: Mapping[Place, int], *, asked: Collection[Place], at: float) -> None:
        """Note what was answered; a partition without an answer is unknown again."""
        for place in asked:
            self._starts.pop(place, None)
        self._starts |= {place: (start, at) for place, start in starts.items()}

    def outdated(self, ends: Mapping[Place, int]) -> set[Place]:
        """Return the partitions that end before they start: each belongs to a later topic of its name."""
        return {
            place for place, end in ends.items() if place in self._starts and self._starts[place][0] > end
        }

    def of(self, places: Collection[Place]) -> dict[Place, int]:
        """Return the known starts; a partition without an answer is absent."""
        return {place: self._starts[place][0] for place in places if place in self._starts}
