"""Which closed segments a log may let go of. Pure: first lines in, the record of what goes out.

A segment's age is that of its successor's first line, a time that is part of the chain: everything in the
segment was written before. The record is written into the log before anything is deleted, and so a missing
beginning is either explained by the log itself, down to the hash that the next segment goes on from, or found
by ``verify``.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from eventconsumer_workers.audit.chain import Checkpoint, Fault, Removed, is_plain, opened
from eventconsumer_workers.audit.query import moment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


class Beginning(NamedTuple):
    """What tells of a closed segment."""

    number: int
    line: bytes
    """Its first line."""
    has_ids: bool
    """Whether the ids of its events lie beside it, for a window that reaches back to it."""


def removable(closed: Iterable[Beginning], before: datetime) -> Removed | None:
    """Return the record of the oldest segments that were closed before a time; None when all stay.

    The latest closed segment stays always: what follows it is still being written.
    """
    found: Removed | None = None
    for segment, after in pairwise(closed):
        if first_checkpoint(segment.line) is None and not is_plain(segment.line):
            break
        follows = first_checkpoint(after.line)
        if follows is None or not _is_before(follows.written_at, before):
            break
        if is_plain(segment.line) and after.has_ids:
            # Only the segment itself holds its ids, and the window may still reach back to them.
            break
        found = Removed(segment.number, follows.previous_hash, before.isoformat())
    return found


def first_checkpoint(line: bytes) -> Checkpoint | None:
    """Return what the first line of a segment says; None where it is damaged, or of a log without chains."""
    try:
        found = opened(line)
    except Fault:
        # What is damaged stays, as does all that comes after it, until someone has looked at it.
        return None
    return found if isinstance(found, Checkpoint) else None


def _is_before(time: str, limit: datetime) -> bool:
    try:
        return moment(time) <= limit
    except ValueError:
        return False
