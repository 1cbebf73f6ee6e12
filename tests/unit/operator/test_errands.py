"""Errands are tried until they succeed, hold nobody up, and can be called off."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_operator import errands as module
from eventconsumer_operator.access import Access
from eventconsumer_operator.errands import CommitEnds, Errands
from eventconsumer_operator.names import ObjectKey
from eventconsumer_operator.outcome import Outcome
from eventconsumer_operator.refusals import Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from eventconsumer_operator.broker import Broker
    from eventconsumer_operator.records import Place

NOWHERE = Access("127.0.0.1:9")
KEY = ObjectKey("tasks", "notification-service")


@dataclass(frozen=True)
class Scripted:
    """An errand that goes as it was told: an outcome, or None for a Kafka that does not answer."""

    script: tuple[Outcome | None, ...]
    access: Access = NOWHERE
    tries: list[int] = field(default_factory=list, compare=False)

    async def attempt(self, broker: Broker) -> Outcome:  # noqa: ARG002  # the script asks nobody
        self.tries.append(len(self.tries))
        outcome = self.script[min(len(self.tries), len(self.script)) - 1]
        if outcome is None:
            raise Unreachable("no answer")
        return outcome


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.001)


@asynccontextmanager
async def holding() -> AsyncIterator[tuple[Errands, asyncio.Queue[ObjectKey]]]:
    news: asyncio.Queue[ObjectKey] = asyncio.Queue()
    errands = Errands(timeout=1.0, changed=news.put_nowait)
    async with asyncio.timeout(20):
        yield errands, news
        await errands.stop()


def outcomes(errand: Scripted, count: int) -> list[Outcome | None]:
    """Begin an errand and return what is known of it at first and after each piece of news."""

    async def story() -> list[Outcome | None]:
        async with holding() as (errands, news):
            seen = [errands.run(KEY, errand)]
            for _ in range(count):
                assert await news.get() == KEY
                seen.append(errands.run(KEY, errand))
            return seen

    return asyncio.run(story())


def test_it_is_tried_until_it_is_done_and_every_change_is_news() -> None:
    errand = Scripted((None, None, Outcome.NOT_EMPTY, Outcome.NOT_EMPTY, Outcome.DONE))

    seen = outcomes(errand, 3)

    assert seen == [None, Outcome.UNREACHABLE, Outcome.NOT_EMPTY, Outcome.DONE]
    assert len(errand.tries) == 5


def test_what_is_done_is_not_done_again() -> None:
    async def story() -> int:
        errand = Scripted((Outcome.DONE,))
        async with holding() as (errands, news):
            errands.run(KEY, errand)
            await news.get()
            assert errands.run(KEY, errand) is errands.outcome(KEY, errand) is Outcome.DONE
            return len(errand.tries)

    assert asyncio.run(story()) == 1


def test_another_errand_takes_the_place_of_the_first() -> None:
    async def story() -> None:
        first, second = Scripted((None,)), Scripted((Outcome.DONE,))
        async with holding() as (errands, news):
            errands.run(KEY, first)
            await news.get()
            assert errands.outcome(KEY, second) is None
            errands.run(KEY, second)
            await news.get()
            assert errands.outcome(KEY, second) is Outcome.DONE
            assert errands.outcome(KEY, first) is None

    asyncio.run(story())


def test_an_errand_whose_place_another_took_is_tried_no_more() -> None:
    async def story() -> None:
        async with holding() as (errands, news):
            errands.run(KEY, Scripted((None,)))
            await news.get()
            task = errands._records[KEY].task
            assert task is not None
            errands.run(KEY, Scripted((Outcome.DONE,)))
            await asyncio.wait([task])
            assert task.cancelled()

    asyncio.run(story())


def test_errands_at_one_cluster_share_a_connection_which_the_last_one_closes() -> None:
    async def story() -> None:
        seen: list[Broker] = []
        both = asyncio.Barrier(2)

        @dataclass(frozen=True)
        class Meeting:
            access: Access = NOWHERE

            async def attempt(self, broker: Broker) -> Outcome:
                seen.append(broker)
                await both.wait()
                return Outcome.DONE

        async with holding() as (errands, news):
            for name in ("one", "other"):
                errands.run(ObjectKey("tasks", name), Meeting())
            keys = {await news.get(), await news.get()}
            assert {errands.outcome(key, Meeting()) for key in keys} == {Outcome.DONE}
            assert seen[0] is seen[1]
            assert errands._brokers == {}

    asyncio.run(story())


@dataclass
class Answering:
    """A Kafka that says where partitions end, as far as it does, and notes what is committed."""

    numbers: list[int] | None
    says: dict[Place, int]
    committed_ends: dict[Place, int] | None = None

    async def group(self, _: str) -> None:
        return None

    async def committed(self, _: str) -> dict[Place, int]:
        return {}

    async def partitions(self, topics: list[str]) -> dict[str, list[int] | None]:
        return dict.fromkeys(topics, self.numbers)

    async def ends(self, _: list[Place]) -> dict[Place, int]:
        return self.says

    async def commit(self, _: str, ends: dict[Place, int]) -> None:
        self.committed_ends = ends


UNTOLD: dict[str, tuple[Answering, str]] = {
    "a partition that does not say where it ends": (
        Answering([0, 1], {("t", 0): 5}),
        "not every partition of t said where it ends",
    ),
    "a topic that may not be described": (Answering(None, {}), "the operator may not describe topic t"),
}


@pytest.mark.parametrize(("kafka", "why"), UNTOLD.values(), ids=UNTOLD.keys())
def test_no_place_to_start_from_is_written_down_before_all_of_it_is_known(kafka: Answering, why: str) -> None:
    broker: Any = kafka

    with pytest.raises(Unreachable, match=why):
        asyncio.run(CommitEnds(NOWHERE, "g", "t").attempt(broker))
    assert kafka.committed_ends is None


def test_an_errand_that_was_called_off_is_forgotten() -> None:
    async def story() -> None:
        errand = Scripted((None,))
        async with holding() as (errands, news):
            errands.run(KEY, errand)
            await news.get()
            errands.call_off(KEY)
            assert errands.outcome(KEY, errand) is None

    asyncio.run(story())
