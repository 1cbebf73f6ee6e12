"""A group of lines that is written at once: the events that are new, then the checkpoint over them. Pure.

A group is built aside and adopted when it is on disk, so a failed write changes nothing.
"""

from __future__ import annotations

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
    from collections.abc import Set as AbstractSet

    from eventconsumer_workers.audit.window import Window

Heads = dict[tuple[str, int], Head]


class Group:
    """Lines on their way to the disk, and the state they lead to."""

    def __init__(self, heads: Heads, last_checkpoint: str, before: AbstractSet[str] = frozenset()) -> None:
        """Go on from these ends; ``before`` are the ids of the group before, which no window has yet."""
        self.moved: Heads = {}
        self.last_checkpoint = last_checkpoint
        self.length = 0
        """In bytes, without the checkpoint at its end."""
        self.appended: list[Incoming] = []
        self.ids: list[bytes] = []
        """Those of what was appended, beside it: as arrays of JSON."""
        self._known: set[str] = set()
        self._heads = heads
        self._before = before
        self._blocks: list[bytes] = []
        self._now = now()

    def next(self) -> Group:
        """Return an empty group that goes on behind this one."""
        return Group({**self._heads, **self.moved}, self.last_checkpoint, self._known)

    def take(self, incoming: Incoming, window: Window, *, topic: str, topic_id: str | None) -> None:
        """Add the lines of those events of a partition that are neither settled nor known by their ids."""
        head = self._head(topic, incoming.partition, topic_id)
        fresh = self._unseen(_unsettled(incoming, head.next_offset), window)
        lines, ids, end = extend(head, fresh, audited_at=self._now)
        self._blocks.append(lines)
        self.length += len(lines)
        self.ids.append(ids)
        self.appended.append(fresh)
        settled = max(head.next_offset, incoming.offsets[-1] + 1)
        self.moved[topic, incoming.partition] = msgspec.structs.replace(end, next_offset=settled)

    def finish(self, *, full: bool) -> list[bytes]:
        """Return the group's bytes, with its checkpoint at their end."""
        everything = {**self._heads, **self.moved}
        self._checkpoint(list((everything if full else self.moved).values()), full=full)
        return self._blocks

    def _head(self, topic: str, partition: int, topic_id: str | None) -> Head:
        place = (topic, partition)
        head = self.moved.get(place) or self._heads.get(place) or Head(topic, partition, topic_id=topic_id)
        if topic_id is None or head.topic_id == topic_id:
            return head
        if head.topic_id is None:
            return msgspec.structs.replace(head, topic_id=topic_id)
        # A later topic of the same name counts its offsets from 0 again; the chain goes on.
        renewed = msgspec.structs.replace(head, topic_id=topic_id, next_offset=0)
        self._checkpoint(list({**self.moved, place: renewed}.values()), full=False)
        return renewed

    def _unseen(self, incoming: Incoming, window: Window) -> Incoming:
        ids = incoming.ids
        distinct = set(ids)
        known = window.known(distinct) | (self._before & distinct) | (self._known & distinct)
        if known or len(distinct) < len(ids):
            first: dict[str, int] = {}
            for place, name in enumerate(ids):
                if name not in known:
                    first.setdefault(name, place)
            incoming = incoming.only(first.values())
        self._known |= distinct
        return incoming

    def _checkpoint(self, heads: list[Head], *, full: bool) -> None:
        line, self.last_checkpoint = seal(
            Checkpoint(heads, self._now, full=full, previous_hash=self.last_checkpoint)
        )
        self._blocks.append(line)


def _unsettled(incoming: Incoming, next_offset: int) -> Incoming:
    if incoming.offsets[0] >= next_offset:
        return incoming
    return incoming.only(place for place, offset in enumerate(incoming.offsets) if offset >= next_offset)


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
