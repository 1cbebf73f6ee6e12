"""A group of lines that is written at once: the events that are new, then the checkpoint over them. Pure.

A group is built aside and adopted when it is on disk, so a failed write changes nothing.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec

from eventconsumer_workers.audit.chain import (
    Checkpoint,
    Head,
    Incoming,
    Removed,
    TakenOver,
    extend,
    now,
    seal,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_workers.audit.window import Window

Heads = dict[tuple[str, int], Head]


class Group:
    """Lines on their way to the disk, and the state they lead to."""

    def __init__(self, heads: Heads, last_checkpoint: str, on_their_way: Sequence[str] = ()) -> None:
        """Go on from these ends; ``on_their_way`` are ids of the group before, which no window has yet."""
        self.moved: Heads = {}
        self.last_checkpoint = last_checkpoint
        self.appended: list[Incoming] = []
        self.ids: list[str] = []
        self._heads = heads
        self._on_their_way = set(on_their_way)
        self._pieces: list[bytes] = []
        self._now = now()

    def next(self) -> Group:
        """Return an empty group that goes on behind this one."""
        return Group({**self._heads, **self.moved}, self.last_checkpoint, self.ids)

    def take(self, incoming: Sequence[Incoming], window: Window, *, topic: str, topic_id: str | None) -> None:
        """Add the lines of those events that are neither settled nor known by their ids."""
        by_partition: dict[int, list[Incoming]] = {}
        for partition, run in groupby(incoming, itemgetter(0)):
            by_partition.setdefault(partition, []).extend(run)
        for partition, events in by_partition.items():
            head = self._head(topic, partition, topic_id)
            fresh = self._unseen(_unsettled(events, head.next_offset), window)
            lines, end = extend(head, fresh, audited_at=self._now)
            self._pieces += lines
            settled = max(head.next_offset, events[-1].offset + 1)
            self.moved[topic, partition] = msgspec.structs.replace(end, next_offset=settled)

    def finish(self, *, full: bool) -> bytes:
        """Return the group's bytes, with its checkpoint at their end."""
        everything = {**self._heads, **self.moved}
        self._checkpoint(list((everything if full else self.moved).values()), full=full)
        return b"".join(self._pieces)

    def _head(self, topic: str, partition: int, topic_id: str | None) -> Head:
        head = self._heads.get((topic, partition), Head(topic, partition, topic_id=topic_id))
        if topic_id is None or head.topic_id == topic_id:
            return head
        if head.topic_id is None:
            return msgspec.structs.replace(head, topic_id=topic_id)
        # A later topic of the same name counts its offsets from 0 again; the chain goes on.
        renewed = msgspec.structs.replace(head, topic_id=topic_id, next_offset=0)
        self._checkpoint([*self.moved.values(), renewed], full=False)
        return renewed

    def _unseen(self, events: list[Incoming], window: Window) -> list[Incoming]:
        ids = list(map(itemgetter(2), events))
        distinct = set(ids)
        known = window.known(ids) | (self._on_their_way & distinct)
        self._on_their_way |= distinct
        if known or len(distinct) < len(ids):
            fresh: dict[str, Incoming] = {}
            for event in events:
                if event.event_id not in known:
                    fresh.setdefault(event.event_id, event)
            ids, events = list(fresh), list(fresh.values())
        self.ids += ids
        self.appended += events
        return events

    def _checkpoint(self, heads: list[Head], *, full: bool) -> None:
        line, self.last_checkpoint = seal(
            Checkpoint(heads, self._now, full=full, previous_hash=self.last_checkpoint)
        )
        self._pieces.append(line)


def _unsettled(events: list[Incoming], next_offset: int) -> list[Incoming]:
    if events[0].offset >= next_offset:
        return events  # Offsets only grow within a batch.
    return [event for event in events if event.offset >= next_offset]


def header(
    number: int,
    heads: Heads,
    previous: str,
    *,
    taken_over: TakenOver | None = None,
    removed: Removed | None = None,
) -> tuple[bytes, str]:
    """Return the first line of a segment, and its hash."""
    return seal(
        Checkpoint(
            list(heads.values()),
            now(),
            full=True,
            segment=number,
            taken_over=taken_over,
            removed=removed,
            previous_hash=previous,
        )
    )
