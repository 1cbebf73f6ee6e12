"""Where the last writer of a segment stopped: found from its end, whatever the segment's size.

A group of lines counts when its checkpoint is there and all lines of it are whole. What follows the last such
group was never acknowledged and may go, unless it is damaged: then it may have been, as where nothing but the
checkpoint's end is missing. Damage further back was acknowledged once: it stays for ``verify`` to find.
Reading begins at the last full checkpoint, so at most a group and the distance between two of those.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from eventconsumer_workers.audit.chain import (
    CHECKPOINT_LINE,
    Checkpoint,
    Entry,
    Fault,
    Head,
    check,
    is_checkpoint,
    opened,
)
from eventconsumer_workers.audit.query import moment

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from eventconsumer_workers.audit.group import Heads


class Tail(NamedTuple):
    """What a writer goes on from."""

    length: int
    """Of the part that counts, in bytes."""
    heads: Heads
    segment: int
    begun_at: datetime
    """When the segment was begun."""
    last_checkpoint: str
    since_full: int
    """Bytes since the last full checkpoint."""
    damaged: bool
    """Whether what does not count may have been acknowledged: it is damaged, or lacks a checkpoint's end."""


def read_tail(path: Path) -> Tail:
    """Find the end of the last whole group; raise ``Fault`` when the file has none."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        header = _line_at(content, 0)
        first = opened(header)
        if not isinstance(first, Checkpoint) or first.segment is None:
            raise Fault("it does not begin with the first line of a segment")
        end, damaged = _last_group(content)
        begin = _last_full(content, end)
        heads, last_checkpoint = _replay(content, begin, end)
        return Tail(
            end, heads, first.segment, _begun_at(first), last_checkpoint, end - begin, damaged=damaged
        )


def _begun_at(header: Checkpoint) -> datetime:
    try:
        return moment(header.written_at)
    except ValueError as fault:
        raise Fault("its first line does not say when it was written") from fault


def _last_group(content: mmap.mmap) -> tuple[int, bool]:
    """Return the end of the last group of sound lines, and whether what follows it is damaged."""
    whole = content.rfind(b"\n") + 1
    begin = _checkpoint_before(content, whole)
    while begin > 0:
        end = content.find(b"\n", begin) + 1
        before = _checkpoint_before(content, begin)
        if all(map(_is_sound, _lines(content, before, end)[1:])):
            break
        begin = before
    end = content.find(b"\n", begin) + 1
    damaged = not all(map(_is_sound, _lines(content, end, whole))) or is_checkpoint(content[whole:])
    return end, damaged


def _checkpoint_before(content: mmap.mmap, end: int) -> int:
    """Return where the last checkpoint before a place begins; the first line of all is one."""
    return content.rfind(CHECKPOINT_LINE, 0, max(0, end - 1)) + 1


def _last_full(content: mmap.mmap, end: int) -> int:
    begin = _checkpoint_before(content, end)
    while begin > 0:
        try:
            found = opened(_line_at(content, begin))
        except Fault:
            found = None
        if isinstance(found, Checkpoint) and found.full:
            return begin
        begin = _checkpoint_before(content, begin)
    return 0


def _replay(content: mmap.mmap, begin: int, end: int) -> tuple[Heads, str]:
    """Return the chains' ends and the last checkpoint's hash, by those lines of a part that are sound."""
    heads: Heads = {}
    last_checkpoint = ""
    for line in _lines(content, begin, end):
        try:
            found = opened(line)
        except Fault:
            continue
        if isinstance(found, Entry):
            place = (found.topic, found.partition)
            moved = {"sequence": found.sequence, "next_offset": found.offset + 1, "hash": found.hash}
            heads[place] = msgspec.structs.replace(heads.get(place, Head(*place)), **moved)
        else:
            heads |= {(head.topic, head.partition): head for head in found.checkpoint}
            last_checkpoint = found.hash
    return heads, last_checkpoint


def _is_sound(line: bytes) -> bool:
    try:
        check(line)
    except Fault:
        return False
    return True


def _lines(content: mmap.mmap, begin: int, end: int) -> list[bytes]:
    return [line + b"\n" for line in content[begin:end].split(b"\n")[:-1]]


def _line_at(content: mmap.mmap, begin: int) -> bytes:
    return content[begin : content.find(b"\n", begin) + 1]
