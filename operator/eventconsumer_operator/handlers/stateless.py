"""What kopf remembers of a resource in the resource: nothing, since no handler here asks what has changed.

kopf else copies and compares every object it hears of, which costs more than all of our own decisions.
"""

from __future__ import annotations

from typing import Any

import kopf
from typing_extensions import override


class NoDiffBase(kopf.DiffBaseStorage):
    """No last handled state."""

    @override
    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence({})

    @override
    def fetch(self, **_: Any) -> None:
        return None

    @override
    def store(self, **_: Any) -> None:
        return None


class NoProgress(kopf.ProgressStorage):
    """No progress of handlers: a watch event is handled once, whatever comes of it."""

    @override
    def fetch(self, **_: Any) -> None:
        return None

    @override
    def store(self, **_: Any) -> None:
        return None

    @override
    def purge(self, **_: Any) -> None:
        return None

    @override
    def touch(self, **_: Any) -> None:
        return None

    @override
    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence
