"""What is read of a log's end is read once, and holds only as long as the end stays."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eventconsumer_operator.lag import Offsets
from eventconsumer_operator.records import FirstRecords, Peeked, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACE: Place = ("task-events", 0)


@dataclass
class Log:
    """One partition: records at some offsets, and an end that a reader of committed records comes to."""

    records: dict[int, float]
    end: int
    reads: list[int] = field(default_factory=list)

    async def peek(self, positions: Mapping[Place, int]) -> Peeked:
        start = positions[PLACE]
        self.reads.append(start)
        found = [moment for offset, moment in sorted(self.records.items()) if offset >= start]
        return Peeked({PLACE: found[0]}, {}) if found else Peeked({}, {PLACE: self.end})


def learn(known: FirstRecords, log: Log, *offsets: int, end: int) -> None:
    asyncio.run(known.learn(log, [(PLACE, offset) for offset in offsets], {PLACE: end}))


def is_hollow(known: FirstRecords, offset: int, end: int) -> bool:
    return known.mark({0: Offsets(offset, 0, end)}, {PLACE: offset}, {PLACE: end})[0].hollow


def test_a_position_is_read_once_while_a_group_stands_there() -> None:
    known, log = FirstRecords(), Log({7: 99.0}, end=8)

    learn(known, log, 5, end=8)
    learn(known, log, 5, end=9)

    assert log.reads == [5]
    assert known.written_at((PLACE, 5)) == 99.0
    assert not is_hollow(known, 5, 9)


def test_an_end_without_records_is_hollow_until_it_moves() -> None:
    known, log = FirstRecords(), Log({}, end=8)

    learn(known, log, 5, end=8)
    assert is_hollow(known, 5, 8)
    assert not is_hollow(known, 5, 9)

    log.records, log.end = {8: 99.0}, 9
    learn(known, log, 5, end=9)
    assert not is_hollow(known, 5, 9)
    assert log.reads == [5, 5]


def test_an_open_transaction_is_not_the_end() -> None:
    known = FirstRecords()
    learn(known, Log({}, end=6), 5, end=8)
    assert not is_hollow(known, 5, 8)


def test_positions_that_nobody_is_at_are_forgotten() -> None:
    known, log = FirstRecords(), Log({7: 99.0}, end=8)

    learn(known, log, 5, end=8)
    learn(known, log, end=8)

    assert known.written_at((PLACE, 5)) is None


def test_two_groups_in_one_partition_are_read_one_a_round() -> None:
    known, log = FirstRecords(), Log({7: 99.0}, end=8)

    learn(known, log, 5, 6, end=8)
    learn(known, log, 5, 6, end=8)

    assert log.reads == [5, 6]
