"""The words of the outbox stream: each look at the outbox as Server-Sent Events for one caller."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from eventconsumer_api.principal import Principal
    from eventconsumer_api.services.watcher import Watcher
    from eventconsumer_api.whereabouts import Look, Sighting

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "One event of the stream.",
    "properties": {
        "event": {"enum": ["history", "outbox", "events"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
EXAMPLE = {
    "event": "outbox",
    "data": '{"at":"2026-11-21T12:00:08.500000Z","pending":1,"oldest_seconds":1.38,"rejected":0}',
}


async def messages(watcher: Watcher, caller: Principal) -> AsyncIterator[str]:
    """Give what was found in the last minutes, then each new look; of the events only those that moved."""
    yield message("history", [outbox(look) for look in watcher.recent])
    told: list[dict[str, Any]] | None = None
    async for look in watcher.follow():
        yield message("outbox", outbox(look))
        seen = [event(sighting) for sighting in look.newest if caller.may_see(sighting.owner_id)]
        if look.depth is not None and seen != told:
            yield message("events", seen)
            told = seen


def message(name: str, data: object) -> str:
    """Return one Server-Sent Event."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def outbox(look: Look) -> dict[str, Any]:
    """Say how deep the outbox was; what was not known is null."""
    depth = look.depth
    return {
        "at": look.at.isoformat(),
        "pending": None if depth is None else depth.pending,
        "oldest_seconds": None if depth is None else round(depth.oldest_seconds(look.at), 3),
        "rejected": None if depth is None else depth.rejected,
    }


def event(sighting: Sighting) -> dict[str, Any]:
    """Say where an event is, and what its task is called."""
    found = sighting.event
    return {
        "event_id": str(found.event_id),
        "event_type": found.event_type,
        "task_id": str(sighting.task_id),
        "title": sighting.title,
        "place": found.place.value,
        "since": found.since.isoformat(),
        "partition": found.partition,
        "offset": found.offset,
        "reason": found.reason,
    }
