"""What kopf remembers of an object, in it or beside it: nothing, since no handler here asks what has changed.

kopf else copies and compares every object it hears of, which costs more than all of our own decisions, and
keeps records for daemons and indexes that there are none of: two kilobytes for each EventConsumer.
"""

from __future__ import annotations

from typing import Any

import kopf
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory
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


class NoMemories(ResourceMemories):
    """No record of an object between its events."""

    @override
    async def recall(
        self, raw_body: kopf.RawBody, *, ephemeral: bool = True, **kwargs: Any
    ) -> ResourceMemory:
        return await super().recall(raw_body, ephemeral=True, **kwargs)
