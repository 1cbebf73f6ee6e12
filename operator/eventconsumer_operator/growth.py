"""How each log grew between looks: it dates an unread record without reading it. Pure.

A record whose offset lies between the ends that two looks saw was written between these looks, and is dated
in proportion. That costs nothing, however many groups stand at different offsets of one partition; reading
the records instead would take one seek each. It can only tell of what came since the first look.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eventconsumer_operator.records import Place, Position

MOST_LOOKS = 16
"""How many looks at one log are kept; when they become more, every second one of the older half goes."""


class Seen(NamedTuple):
    """Where a log ended, and when (Unix time)."""

    end: int
    at: float


class Dated(NamedTuple):
    """When a record was written (Unix time)."""

    at: float
    estimated: bool
    """From the log's growth, and not by its own timestamp."""


class Growth:
    """The logs of one Kafka cluster that somebody lags behind, and the newest end of all others."""

    def __init__(self) -> None:
        self._looks: dict[Place, list[Seen]] = {}
        self._moving: set[Place] = set()

    def note(self, ends: Mapping[Place, int], positions: Iterable[Position], *, at: float) -> None:
        """Take in where logs end now, and forget what is older than everybody's first unread record."""
        first: dict[Place, int] = {}
        for place, offset in positions:
            first[place] = min(offset, first.get(place, offset))
        for place, end in ends.items():
            looks = self._looks.get(place, [])
            newest = looks[-1].end if looks else end
            if end < newest:
                looks = []  # A later topic of the same name.
            (self._moving.add if end > newest else self._moving.discard)(place)
            self._looks[place] = _kept([*looks, Seen(end, at)], first.get(place, end))

    def moving(self, place: Place) -> bool:
        """Tell whether a log has grown since the look before."""
        return place in self._moving

    def written_at(self, position: Position) -> float | None:
        """Return about when a record was written; None where that was before the first look."""
        place, offset = position
        looks = self._looks.get(place, [])
        after = bisect_right(looks, offset, key=lambda seen: seen.end)
        if after == 0 or after == len(looks):
            return None
        before, later = looks[after - 1], looks[after]
        share = (offset + 1 - before.end) / (later.end - before.end)
        return before.at + share * (later.at - before.at)


def _kept(looks: list[Seen], first: int) -> list[Seen]:
    """Leave out looks that date nothing any more: those at one end but the newest, those before the first."""
    each = [seen for seen, later in itertools.pairwise(looks) if seen.end != later.end] + looks[-1:]
    needed = each[max(0, bisect_right(each, first, key=lambda seen: seen.end) - 1) :]
    if len(needed) <= MOST_LOOKS:
        return needed
    half = MOST_LOOKS // 2
    return needed[:half:2] + needed[half:]
