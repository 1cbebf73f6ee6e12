"""One look for everybody who watches, and none for nobody."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from eventconsumer_api.principal import ANYBODY, Principal
from eventconsumer_api.routes import streaming
from eventconsumer_api.services import watcher as watching
from eventconsumer_api.services.watcher import TooManyViewers, Watcher
from eventconsumer_api.whereabouts import Depth, Look, Place, Sighting, Whereabouts

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
OWNER = uuid4()
WAITING = Sighting(uuid4(), "Buy groceries", OWNER, Whereabouts(uuid4(), "task.created", Place.WAITING, NOW))


class Outbox:
    """Counts how often it is looked at; each look finds one event more."""

    def __init__(self) -> None:
        self.looks = 0
        self._one_at_a_time = threading.Lock()

    def look(self) -> Look:
        with self._one_at_a_time:
            self.looks += 1
            return Look(NOW, Depth(self.looks, NOW, 0), (WAITING,))


async def comes_to_rest(outbox: Outbox) -> bool:
    for _ in range(100):
        before = outbox.looks
        await asyncio.sleep(0.01)
        if outbox.looks == before:
            return True
    return False


async def first(watcher: Watcher, count: int) -> list[int]:
    found = []
    async for look in watcher.follow():
        assert look.depth is not None
        found.append(look.depth.pending)
        if len(found) == count:
            break
    return found


def test_nobody_looks_while_nobody_watches() -> None:
    async def scenario() -> None:
        outbox = Outbox()
        watcher = Watcher(outbox.look, every=0)
        with watcher.place():
            await first(watcher, 2)
        assert await comes_to_rest(outbox)
        await watcher.close()

    asyncio.run(scenario())


def test_ten_viewers_share_each_look() -> None:
    async def scenario() -> None:
        outbox = Outbox()
        watcher = Watcher(outbox.look, every=0.01)
        with ExitStack() as places:
            for _ in range(10):
                places.enter_context(watcher.place())
            seen = await asyncio.gather(*(first(watcher, 3) for _ in range(10)))
        assert seen == [[1, 2, 3]] * 10
        await watcher.close()

    asyncio.run(scenario())


def test_places_to_watch_from_are_counted_and_given_back() -> None:
    async def scenario() -> None:
        watcher = Watcher(Outbox().look, every=0, viewers=1)
        with watcher.place(), pytest.raises(TooManyViewers), watcher.place():
            pass
        with watcher.place():
            assert await first(watcher, 1)
        await watcher.close()

    asyncio.run(scenario())


def test_streams_end_with_the_process() -> None:
    async def scenario() -> list[Look]:
        watcher = Watcher(Outbox().look, every=60)
        with watcher.place():
            following = asyncio.create_task(collect(watcher))
            await first(watcher, 1)
            await watcher.end()
            return await following

    async def collect(watcher: Watcher) -> list[Look]:
        return [look async for look in watcher.follow()]

    assert len(asyncio.run(scenario())) <= 1


def test_a_look_that_fails_is_followed_by_others() -> None:
    outbox = Outbox()

    def look() -> Look:
        found = outbox.look()
        if outbox.looks == 2:
            raise RuntimeError("a bad look")
        return found

    async def scenario() -> list[int]:
        watcher = Watcher(look, every=0)
        with watcher.place():
            seen = await asyncio.wait_for(first(watcher, 2), 30)
        await watcher.close()
        return seen

    assert asyncio.run(scenario())[-1] > 2


def test_a_stream_ends_so_that_its_viewer_is_asked_again_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watching._STREAM_SECONDS <= 300
    monkeypatch.setattr(watching, "_STREAM_SECONDS", 0.05)

    async def scenario() -> list[int]:
        watcher = Watcher(Outbox().look, every=0.01)
        with watcher.place():
            return await asyncio.wait_for(first(watcher, 1_000_000), 30)

    assert len(asyncio.run(scenario())) < 1_000_000


def test_who_comes_later_hears_what_was_found_before() -> None:
    async def scenario() -> None:
        watcher = Watcher(Outbox().look, every=0)
        with watcher.place():
            await first(watcher, 3)
            history, *_ = await stream(watcher, ANYBODY, 2)
        assert [sample["pending"] for sample in history[1]][:3] == [1, 2, 3]
        await watcher.close()

    asyncio.run(scenario())


def test_a_stream_tells_each_look_and_an_event_only_when_it_moved() -> None:
    async def scenario() -> None:
        watcher = Watcher(Outbox().look, every=0)
        with watcher.place():
            told = await stream(watcher, ANYBODY, 5)
        assert [name for name, _ in told] == ["history", "outbox", "events", "outbox", "outbox"]
        assert told[2][1][0]["title"] == "Buy groceries"
        await watcher.close()

    asyncio.run(scenario())


def test_a_caller_sees_events_of_their_own_tasks_only() -> None:
    async def events_for(caller: Principal) -> list[Any]:
        watcher = Watcher(Outbox().look, every=0)
        with watcher.place():
            told = await stream(watcher, caller, 3)
        await watcher.close()
        return list(told[2][1])

    assert len(asyncio.run(events_for(Principal("ann", OWNER)))) == 1
    assert asyncio.run(events_for(Principal("eve", uuid4()))) == []


def test_what_is_not_known_is_null() -> None:
    assert streaming.outbox(Look(NOW, depth=None)) == {
        "at": "2026-11-21T12:00:00+00:00",
        "pending": None,
        "oldest_seconds": None,
        "rejected": None,
    }


async def stream(watcher: Watcher, caller: Principal, count: int) -> list[tuple[str, Any]]:
    """Return the first messages of a stream by name and content."""
    found = []
    async for text in streaming.messages(watcher, caller):
        name, data = text.removesuffix("\n\n").split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
        if len(found) == count:
            break
    return found
