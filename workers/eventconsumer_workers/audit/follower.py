"""Whether each line of a log follows from those before it. Pure.

A follower holds the ends of all chains, as the log's writer did, and so finds the first line that is not the
one that was written in its place.
"""

from __future__ import annotations

import msgspec

from eventconsumer_workers.audit.chain import Checkpoint, Entry, Fault, Head, Removed, opened


def following(head: Head, entry: Entry) -> Head:
    """Return a chain's end after an entry; raise ``Fault`` when the entry does not follow there."""
    where = f"{entry.topic}[{entry.partition}]"
    if entry.sequence != head.sequence + 1:
        raise Fault(f"{where}: sequence {entry.sequence} follows {head.sequence}")
    if entry.previous_hash != head.hash:
        raise Fault(f"{where}: sequence {entry.sequence} carries another hash than its predecessor's")
    if entry.offset < head.next_offset:
        raise Fault(f"{where}: offset {entry.offset} was settled before sequence {entry.sequence}")
    moved = {"sequence": entry.sequence, "next_offset": entry.offset + 1, "hash": entry.hash}
    return msgspec.structs.replace(head, **moved)


class Follower:
    """Goes along a log line by line and finds the first that does not follow from those before it."""

    def __init__(self) -> None:
        self.heads: dict[tuple[str, int], Head] = {}
        self.entries = 0
        self.unsealed: set[tuple[str, int]] = set()
        """Chains that moved behind the last checkpoint."""
        self.begins: dict[tuple[str, int], int] = {}
        """The first sequence that is here of each chain whose beginning is not."""
        self.removed = 0
        """The last segment that the log says it has let go of."""
        self._goes_on_from: dict[int, str] = {}
        """By segment, the hash that its first line carries."""
        self._last_checkpoint: str | None = None
        self._segment: int | None = None

    def follow(self, line: bytes) -> None:
        """Take the next line; raise ``Fault`` when it is not the one that was written there."""
        found = opened(line)
        if isinstance(found, Entry):
            self._follow_entry(found)
        else:
            self._follow_checkpoint(found)

    def _follow_entry(self, entry: Entry) -> None:
        place = (entry.topic, entry.partition)
        self.heads[place] = following(self.heads.get(place, Head(*place)), entry)
        self.entries += 1
        self.unsealed.add(place)

    def _follow_checkpoint(self, checkpoint: Checkpoint) -> None:
        if self._last_checkpoint is None:
            if checkpoint.segment is None or not checkpoint.full:
                raise Fault("the log does not begin with the first line of a segment")
            if checkpoint.segment == 1 and checkpoint.checkpoint:
                raise Fault("the log's first segment goes on from chains that are not there")
            self.heads = {(head.topic, head.partition): head for head in checkpoint.checkpoint}
            self.begins = {place: head.sequence + 1 for place, head in self.heads.items()}
        elif checkpoint.previous_hash != self._last_checkpoint:
            raise Fault("the checkpoint carries another hash than that of the checkpoint before it")
        if checkpoint.segment is not None:
            if self._segment not in (None, checkpoint.segment - 1):
                raise Fault(f"segment {checkpoint.segment} follows segment {self._segment}")
            self._segment = checkpoint.segment
            self._goes_on_from[checkpoint.segment] = checkpoint.previous_hash
        if checkpoint.removed is not None:
            self._note(checkpoint.removed)
        self._agree(checkpoint)
        self._last_checkpoint = checkpoint.hash
        self.unsealed.clear()

    def _note(self, removed: Removed) -> None:
        """Hold what was let go of against what goes on from it, where that is still here."""
        if self._goes_on_from.get(removed.segment + 1, removed.hash) != removed.hash:
            raise Fault(f"what is said to be removed is not what segment {removed.segment + 1} goes on from")
        self.removed = max(self.removed, removed.segment)

    def _agree(self, checkpoint: Checkpoint) -> None:
        for head in checkpoint.checkpoint:
            place = (head.topic, head.partition)
            known = self.heads.get(place, Head(*place))
            if (known.sequence, known.hash) != (head.sequence, head.hash):
                raise Fault(
                    f"{head.topic}[{head.partition}]: the checkpoint ends at sequence {head.sequence}, "
                    f"the entries before it at {known.sequence}"
                )
            self.heads[place] = head
        if unnamed := self.unsealed - {(head.topic, head.partition) for head in checkpoint.checkpoint}:
            raise Fault(f"the checkpoint does not name {len(unnamed)} of the chains that moved before it")
        if checkpoint.full and len(checkpoint.checkpoint) != len(self.heads):
            raise Fault(f"the checkpoint names {len(checkpoint.checkpoint)} of {len(self.heads)} chains")
