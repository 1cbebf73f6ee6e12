"""Proof that an audit log is what was written: every line's hash, every chain, every segment.

What it can't see is an end that was cut off together with its checkpoints: nothing behind it tells of it. The
offsets that Kafka holds for the group do. A beginning that is missing is no damage where the log itself says
that retention removed it.
"""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from zstandard import ZstdError

from eventconsumer_workers.audit.chain import (
    Checkpoint,
    Fault,
    TakenOver,
    chain_name,
    is_plain,
    opened,
)
from eventconsumer_workers.audit.follower import Follower

if TYPE_CHECKING:
    from collections.abc import Callable

    from eventconsumer_workers.audit.files import Files, Opened

_LONGEST_WRITE_SECONDS = 2.0
_LOOK_SECONDS = 0.1
_LINES_BEFORE_REST = 2000


class Finding(NamedTuple):
    """What a verification came to."""

    entries: int
    chains: dict[str, int]
    """The last sound sequence of each chain."""
    begins: dict[str, int]
    """The first sequence that is left of each chain whose beginning was removed."""
    fault: str | None
    """Where the log is first not what was written, and how that shows; None for a whole log."""


def verify(files: Files, *, rest: Callable[[], None] = lambda: None) -> Finding:
    """Go through all segments of a log, oldest first, to the first fault; ``rest`` is called on the way."""
    while True:
        oldest = files.oldest()
        finding = _verified(files, rest)
        # A writer that deletes old segments meanwhile makes gaps that are none.
        if finding.fault is None or files.oldest() == oldest:
            return finding


def _verified(files: Files, rest: Callable[[], None]) -> Finding:
    walk = _Walk(files, rest)
    fault = None
    try:
        walk.go()
    except (Fault, ZstdError) as found:
        fault = f"{walk.place}: {found}"
    chains = {chain_name(*place): head.sequence for place, head in walk.follower.heads.items()}
    begins = {chain_name(*place): first for place, first in walk.follower.begins.items() if first > 1}
    return Finding(walk.follower.entries, chains, begins, fault)


class _Walk:
    """One way through the segments; ``place`` says where it is."""

    def __init__(self, files: Files, rest: Callable[[], None]) -> None:
        self._rest = rest
        self.follower = Follower()
        self.place = str(files.active)
        self._files = files
        self._plain: TakenOver | None = None

    def go(self) -> None:
        segment, oldest = None, 0
        for segment in self._files.opened():
            oldest = oldest or segment.number
            self.place = f"segment {segment.number}"
            try:
                self._through(segment)
            except (Fault, ZstdError):
                self.place += self._next()
                raise
        if segment is None or not segment.active:
            raise Fault("the segment that is being written is missing")
        if self.follower.removed < oldest - 1:
            self.place = f"segment {self.follower.removed + 1}"
            raise Fault("it is missing, and nothing in the log says that retention removed it")

    def _through(self, segment: Opened) -> None:
        first = segment.content.readline()
        if is_plain(first):
            self._plain = _described(segment, first)
            return
        self._expect_plain(first)
        self._lines(segment, first)

    def _expect_plain(self, first: bytes) -> None:
        """Hold a log without chains against what its successor says that it took over."""
        header = opened(first)
        told = header.taken_over if isinstance(header, Checkpoint) else None
        # What is older than the oldest segment that is left may have been removed on purpose.
        if told != self._plain and (self._plain is not None or self.follower.entries):
            raise Fault("the log without chains before it is not the one that was taken over")
        self._plain = None

    def _lines(self, segment: Opened, line: bytes) -> None:
        number = 0
        while line:
            number += 1
            self.place = f"segment {segment.number}, line {number}"
            if not line.endswith(b"\n"):
                self._expect_more(segment, "line")
                return
            self.follower.follow(line)
            if number % _LINES_BEFORE_REST == 0:
                self._rest()
            line = segment.content.readline()
        if self.follower.unsealed:
            self._expect_more(segment, "group")

    def _next(self) -> str:
        """Say where each chain goes on: a line that is damaged does not tell what it was."""
        heads = sorted(self.follower.heads.items())
        told = ", ".join(f"{chain_name(*place)} sequence {head.sequence + 1}" for place, head in heads)
        return told and f" (next: {told})"

    def _expect_more(self, segment: Opened, what: str) -> None:
        """Accept an unfinished end only from a writer that is at work."""
        if not segment.active:
            raise Fault(f"it ends in the middle of a {what}")
        # What was read, and not what is there by now: the write may just have ended.
        before = os.fstat(segment.content.fileno()).st_ino, segment.content.tell()
        deadline = time.monotonic() + _LONGEST_WRITE_SECONDS
        while time.monotonic() < deadline:
            if _size(self._files) != before:
                return
            time.sleep(_LOOK_SECONDS)
        raise Fault(f"it ends in the middle of a {what}")


def _size(files: Files) -> tuple[int, int]:
    state = files.active.stat()
    return state.st_ino, state.st_size


def _described(segment: Opened, first: bytes) -> TakenOver:
    length, found, piece = 0, hashlib.sha256(), first
    while piece:
        length += len(piece)
        found.update(piece)
        piece = segment.content.read(1 << 20)
    return TakenOver(segment.number, length, found.hexdigest())
