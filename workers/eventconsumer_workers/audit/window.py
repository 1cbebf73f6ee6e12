"""The ids of the latest events, so that one that is published again is seen as such. Pure.

Exact within its bound: none of the last ``size`` different ids is ever missed, not more than twice as many
are kept, and an id that was not seen is never taken for seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

SIZE = 65_536
"""How many of the latest ids are known for certain; twice as many take about 20 MB."""


class Window:
    """Remembers the latest ids in two generations; the older is forgotten when the younger is full."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._young: set[str] = set()
        self._old: set[str] = set()

    def known(self, ids: Collection[str]) -> set[str]:
        """Return those of the given ids that are remembered."""
        return self._young.intersection(ids) | self._old.intersection(ids)

    def add(self, ids: Sequence[str]) -> None:
        """Remember ids in their order."""
        at = 0
        while at < len(ids):
            part = ids[at : at + self._size - len(self._young)]
            at += len(part)
            self._young.update(part)
            if len(self._young) >= self._size:
                self._old, self._young = self._young, set()
