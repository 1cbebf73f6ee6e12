"""Whether the watches still tell what happens: on a quiet cluster silence is no fault by itself. Pure.

A listing shows what the watches should have told; so do the answers to our own writes, but those come all
day, and a watch may well be busy. An object that a listing has in a newer version than a watch ever told of
must be told of in time, in that version or a later one; a watch that does not is broken, whatever its
connection looks like. Deletions prove nothing: a watch that lists anew does not tell them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventconsumer_operator.names import ObjectKey


class Silence:
    """What listings showed and no watch has told yet."""

    def __init__(self, *, patience: float) -> None:
        """Let a watch be ``patience`` seconds behind a listing."""
        self._patience = patience
        self._untold: dict[tuple[str, ObjectKey], tuple[int, float]] = {}

    def listed(self, kind: str, key: ObjectKey, version: int, *, now: float) -> None:
        """Note a version that nobody had told of when it was listed; ``now`` is any clock's, in seconds."""
        self._untold.setdefault((kind, key), (version, now))

    def heard(self, kind: str, key: ObjectKey, version: int, *, gone: bool) -> None:
        """Note what a watch tells: a version of an object, or that it is gone."""
        untold = self._untold.get((kind, key))
        if untold is not None and (gone or version >= untold[0]):
            del self._untold[kind, key]

    def fault(self, *, now: float) -> str | None:
        """Return which watch is silent, or None."""
        for (kind, key), (_, since) in self._untold.items():
            if now - since > self._patience:
                return f"the watch of {kind} has not told of {'/'.join(key)} for {now - since:.0f} s"
        return None
