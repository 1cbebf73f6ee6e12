"""The arithmetic of lag: how many records of a topic a consumer group has not finished.

The rules, which the tests hold:

* Committed offsets are read before end offsets, so a race can only overstate lag.
* A partition that the broker gave no answer for makes the result ``Partial``; when that is true of all of
  them, or the broker can't be reached, lag is ``Unknown`` and has no number. It is never shown as 0.
* A partition without a committed offset counts from the log's start where the group starts from ``earliest``.
  Where it starts from ``latest``, it counts 0 and the result is ``Uncommitted``.
* A committed offset below the log's start means records expired unread: counting begins at the log's start,
  and ``expired`` says how many were lost.
* Control records of transactions and aborted records are never delivered: a partition whose remaining offsets
  are only such (``hollow``) has no lag, and ``Lag.raw`` keeps the distance in offsets.
* A committed offset beyond the log's end belongs to an earlier topic of the same name: the partition counts
  as one without a committed offset.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, overload

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class LagState(StrEnum):
    """How far a lag can be trusted."""

    UNKNOWN = "Unknown"
    UNCOMMITTED = "Uncommitted"
    PARTIAL = "Partial"
    KNOWN = "Known"


@dataclass(frozen=True, slots=True)
class Offsets:
    """One partition's offsets; None where there is none or the broker gave no answer."""

    committed: int | None
    start: int | None
    end: int | None
    hollow: bool = False
    """A reader of committed records came to the end and was given none."""


@dataclass(frozen=True, slots=True)
class Lag:
    """The lag of one consumer group on one topic, in records."""

    state: LagState
    total: int | None = None
    highest: int | None = None
    """The lag of the partition that lags most."""
    partitions: int | None = None
    expired: int = 0
    """Records that were deleted before the group read them."""
    hollow: int = 0
    """Offsets that remain and hold nothing that is ever delivered."""

    @property
    def raw(self) -> int | None:
        """Return the distance between positions and log ends in offsets, as other tools count lag."""
        return None if self.total is None else self.total + self.hollow


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """The figures of one partition; None where there is none or the broker gave no answer."""

    partition: int
    lag: int | None
    committed: int | None
    log_start: int | None
    log_end: int | None


class Listed(Sequence[PartitionLag]):
    """The figures of some partitions, in a fifth of the memory that they take as objects."""

    __slots__ = ("_figures",)

    def __init__(self, entries: Iterable[PartitionLag]) -> None:
        self._figures = packed(
            _NONE if figure is None else figure
            for entry in entries
            for figure in (entry.partition, entry.lag, entry.committed, entry.log_start, entry.log_end)
        )

    @override
    def __len__(self) -> int:
        return len(self._figures) // _FIGURES

    @overload
    def __getitem__(self, index: int) -> PartitionLag: ...
    @overload
    def __getitem__(self, index: slice) -> list[PartitionLag]: ...
    @override
    def __getitem__(self, index: int | slice) -> PartitionLag | list[PartitionLag]:
        numbers = range(len(self))[index]
        if isinstance(numbers, range):
            return [self[number] for number in numbers]
        first, *others = self._figures[numbers * _FIGURES : (numbers + 1) * _FIGURES]
        return PartitionLag(first, *(None if figure == _NONE else figure for figure in others))

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Listed) and self._figures == other._figures

    @override
    def __hash__(self) -> int:
        return hash(tuple(self._figures))


UNKNOWN = Lag(LagState.UNKNOWN)
_NONE = -1
_FIGURES = 5
_LARGEST = 2**31 - 1
LISTED = 20
"""How many partitions a status lists; a topic may have thousands."""


def lag(partitions: Mapping[int, Offsets], *, start_from: str) -> Lag:
    """Add up a topic's partitions into one lag."""
    answered = {number: offsets for number, offsets in partitions.items() if _answered(offsets)}
    if not answered:
        return Lag(LagState.UNKNOWN, partitions=len(partitions) or None)
    each = [unread(offsets, start_from=start_from) for offsets in answered.values()]
    return Lag(
        state=_state(partitions, answered, start_from),
        total=sum(each),
        highest=max(each),
        partitions=len(partitions),
        expired=sum(_expired(offsets) for offsets in answered.values()),
        hollow=sum(_distance(offsets, start_from) for offsets in answered.values() if offsets.hollow),
    )


def worst(partitions: Mapping[int, Offsets], *, start_from: str) -> Listed:
    """Return the figures of the partitions that need a look: those without an answer, then the most lag."""
    each = [
        PartitionLag(
            partition=number,
            lag=unread(offsets, start_from=start_from) if _answered(offsets) else None,
            committed=offsets.committed,
            log_start=offsets.start,
            log_end=offsets.end,
        )
        for number, offsets in partitions.items()
    ]
    each.sort(key=lambda entry: (entry.lag is not None, -(entry.lag or 0), entry.partition))
    return Listed(each[:LISTED])


def packed(numbers: Iterable[int]) -> array[int]:
    """Keep numbers of no less than -1 in four bytes each, or in eight where one of them is that large."""
    # Of a list, and not of an iterator, an array takes no room for more than there is.
    listed = list(numbers)
    return array("i" if max(listed, default=0) <= _LARGEST else "q", listed)


def unread(offsets: Offsets, *, start_from: str) -> int:
    """Return how many records of one answered partition are not finished."""
    return 0 if offsets.hollow else _distance(offsets, start_from)


def position(offsets: Offsets, *, start_from: str) -> int:
    """Return the offset of the first record of one answered partition that is not finished."""
    start, end = offsets.start or 0, offsets.end or 0
    if _has_committed(offsets):
        return max(offsets.committed or 0, start)
    return start if start_from == "earliest" else end


def _distance(offsets: Offsets, start_from: str) -> int:
    return max(0, (offsets.end or 0) - position(offsets, start_from=start_from))


def _answered(offsets: Offsets) -> bool:
    return offsets.start is not None and offsets.end is not None


def _has_committed(offsets: Offsets) -> bool:
    return offsets.committed is not None and offsets.committed <= (offsets.end or 0)


def _expired(offsets: Offsets) -> int:
    if not _has_committed(offsets):
        return 0
    return max(0, (offsets.start or 0) - (offsets.committed or 0))


def _state(partitions: Mapping[int, Offsets], answered: Mapping[int, Offsets], start_from: str) -> LagState:
    if len(answered) < len(partitions):
        return LagState.PARTIAL
    if start_from == "latest" and not all(_has_committed(offsets) for offsets in answered.values()):
        return LagState.UNCOMMITTED
    return LagState.KNOWN
