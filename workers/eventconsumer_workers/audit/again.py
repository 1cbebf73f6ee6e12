"""The partitions that are to be read again, because the log lost its end: noted on disk before the traces go.

The note outlives restarts. A partition leaves it once the log has caught up with what was committed for it in
Kafka: until then the log's own end says where to go on, and not Kafka.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from eventconsumer_workers.audit.files import Files

_decode = msgspec.json.Decoder(list[int]).decode
_EVERY_PARTITION = b""


def note(files: Files) -> None:
    """Note that all partitions of a log are to be read again from where it ends."""
    files.place(files.again, [_EVERY_PARTITION])


class Again:
    """The partitions that have not caught up yet."""

    def __init__(self, files: Files, followed: Iterable[int]) -> None:
        """Read the note; ``followed`` are the partitions that the log has anything of."""
        self._files = files
        self._committed: dict[int, int] = {}
        self._left: set[int] = set()
        if files.again.exists():
            kept = files.again.read_bytes()
            # A log may have been noted while it was another topic's.
            self._left = set(followed)
            # A note that can't be read stands for every partition as well: to look again costs little.
            if kept != _EVERY_PARTITION:
                with suppress(msgspec.DecodeError):
                    self._left.intersection_update(_decode(kept))

    def __bool__(self) -> bool:
        """Return whether any partition is to be read again."""
        return bool(self._left)

    def among(self, partitions: Collection[int]) -> set[int]:
        """Return which of these are to be read again."""
        return self._left.intersection(partitions)

    def expect(self, committed: Mapping[int, int]) -> None:
        """Note what is committed in Kafka, where anything is."""
        self._committed |= committed

    def reached(self, offsets: Mapping[int, int]) -> None:
        """Let go of the partitions whose next offsets are not behind what was committed."""
        done = {
            partition
            for partition in self._left & self._committed.keys() & offsets.keys()
            if offsets[partition] >= self._committed[partition]
        }
        if not done:
            return
        left = self._left - done
        if left:
            self._files.place(self._files.again, [msgspec.json.encode(sorted(left))])
        else:
            self._files.again.unlink(missing_ok=True)
        self._left = left
