"""What the poller keeps of the clusters that it asks, and for how long."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from eventconsumer_operator import metrics
from eventconsumer_operator.access import Access
from eventconsumer_operator.names import ObjectKey
from eventconsumer_operator.poller import Poller
from eventconsumer_operator.questions import Target
from tests.unit.operator.builders import observation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from eventconsumer_operator.world import Observation

KEY, OTHER = ObjectKey("tasks", "notification-service"), ObjectKey("tasks", "audit")


@pytest.fixture(autouse=True)
def _no_samples() -> Iterator[None]:
    metrics.kafka_up.clear()
    yield
    metrics.kafka_up.clear()


def polling() -> Poller:
    return Poller(interval=10.0, timeout=1.0, changed=lambda _: None)


def silent(ca: str | None = None, *, servers: str = "typo:9092") -> Target:
    """Build a target at a cluster that never answers, as nobody has a way to ask it."""
    return Target(Access(servers, ca=ca, fault="no way there"), "task-events", "g", "earliest")


async def turn(poller: Poller) -> None:
    """Have one round at each cluster, and wait until all have ended."""
    await poller._start_rounds(everybody=True)
    await asyncio.gather(*poller._rounds.values())


def up() -> list[str]:
    [family] = metrics.kafka_up.collect()
    return [sample.labels["servers"] for sample in family.samples]


def test_a_cluster_that_never_answered_is_forgotten_with_its_last_consumer() -> None:
    async def story() -> Poller:
        poller = polling()
        poller.follow(KEY, silent())
        await turn(poller)
        assert up() == ["typo:9092"]
        poller.forget(KEY)
        await turn(poller)
        return poller

    poller = asyncio.run(story())
    assert (up(), poller._rounds, poller._silent) == ([], {}, set())


def test_a_mended_address_ends_the_alert_of_the_mistyped_one() -> None:
    async def story() -> None:
        poller = polling()
        poller.follow(KEY, silent())
        await turn(poller)
        poller.follow(KEY, silent(servers="kafka:9092"))
        await turn(poller)
        await turn(poller)

    asyncio.run(story())
    assert up() == ["kafka:9092"]


def test_what_is_known_stays_known_while_the_same_is_asked_by_a_renewed_certificate() -> None:
    async def story() -> list[Observation | None]:
        poller = polling()
        poller.follow(KEY, silent("old"))
        await turn(poller)
        known = [poller.observation(KEY)]
        poller.follow(KEY, silent("new"))
        known.append(poller.observation(KEY))
        await poller._start_rounds(everybody=False)
        await asyncio.gather(*poller._rounds.values())
        return [*known, poller.observation(KEY)]

    first, kept, renewed = asyncio.run(story())
    assert first is not None
    assert kept is first
    assert renewed is not first


@pytest.mark.parametrize(
    "other",
    [silent(servers="elsewhere:9092"), replace(silent(), topic="orders"), replace(silent(), group="h")],
    ids=["servers", "topic", "group"],
)
def test_nothing_is_known_of_another_place_before_it_was_asked(other: Target) -> None:
    async def story() -> Observation | None:
        poller = polling()
        poller.follow(KEY, silent())
        await turn(poller)
        poller.follow(KEY, other)
        return poller.observation(KEY)

    assert asyncio.run(story()) is None


def test_who_is_followed_already_is_not_asked_for_out_of_turn() -> None:
    async def story() -> list[bool]:
        poller = polling()
        poller.follow(KEY, silent())
        await turn(poller)
        poller._wake.clear()
        poller.follow(KEY, silent())
        again = [poller._wake.is_set()]
        poller.follow(KEY, replace(silent(), group="h"))
        return [*again, poller._wake.is_set()]

    assert asyncio.run(story()) == [False, True]


def test_a_cluster_that_falls_silent_takes_no_look_away() -> None:
    async def story() -> Observation | None:
        poller = polling()
        poller.follow(KEY, silent())
        poller._observations[KEY] = observation(5, earlier=(3, 4))
        await turn(poller)
        return poller.observation(KEY)

    away = asyncio.run(story())
    assert away is not None
    assert (away.lag.total, [entry.lag for entry in away.window]) == (None, [3, 4, 5])


def test_a_renewed_ca_keeps_the_servers_figure() -> None:
    async def story() -> Poller:
        poller = polling()
        poller.follow(KEY, silent("old"))
        poller.follow(OTHER, silent("new"))
        await turn(poller)
        poller.forget(KEY)
        await turn(poller)
        return poller

    assert list(asyncio.run(story())._rounds) == [silent("new").access]
    assert up() == ["typo:9092"]


def test_what_was_answered_before_another_operator_had_its_turn_is_forgotten() -> None:
    async def story() -> list[Observation | None]:
        answered = asyncio.Event()
        poller = Poller(interval=10.0, timeout=1.0, changed=lambda _: answered.set())
        poller.follow(KEY, silent())
        async with asyncio.timeout(10), running(poller):
            await answered.wait()
        before = poller.observation(KEY)
        async with running(poller):
            # The second run has begun, and none of its questions.
            await asyncio.sleep(0)
            return [before, poller.observation(KEY)]

    before, after = asyncio.run(story())
    assert before is not None
    assert after is None


@asynccontextmanager
async def running(poller: Poller) -> AsyncIterator[None]:
    task = asyncio.create_task(poller.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
