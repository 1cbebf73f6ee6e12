"""The queue's promises, on a real event loop."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from eventconsumer_operator import workqueue
from eventconsumer_operator.names import ObjectKey
from eventconsumer_operator.workqueue import WorkQueue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

A, B = ObjectKey("tasks", "a"), ObjectKey("tasks", "b")


class Work:
    """Notes what it was given; ``gate`` holds it back while it is closed."""

    def __init__(self, failures: int = 0) -> None:
        self.done: list[ObjectKey] = []
        self.running: list[ObjectKey] = []
        self.most = 0
        self.failures = failures
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()

    async def __call__(self, key: ObjectKey) -> None:
        self.running.append(key)
        self.begun.set()
        self.most = max(self.most, self.running.count(key))
        await self.gate.wait()
        self.running.remove(key)
        self.done.append(key)
        if self.failures:
            self.failures -= 1
            raise OSError("not now")


@asynccontextmanager
async def running(work: Work, *, workers: int = 2) -> AsyncIterator[WorkQueue]:
    queue = WorkQueue(work, workers=workers)
    task = asyncio.create_task(queue.run())
    yield queue
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until_done(work: Work, times: int) -> None:
    async with asyncio.timeout(20):
        while len(work.done) < times or work.running:  # noqa: ASYNC110  # a count, not an event
            await asyncio.sleep(0)


async def turns(count: int) -> None:
    """Let everybody on the event loop have so many turns."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_key_added_twice_is_worked_on_once() -> None:
    async def story() -> list[ObjectKey]:
        work = Work()
        async with running(work) as queue:
            for key in (A, A, B, A):
                queue.add(key)
            await until_done(work, 2)
        return work.done

    assert sorted(asyncio.run(story())) == [A, B]


def test_a_key_added_while_it_is_worked_on_is_worked_on_again_but_never_twice_at_a_time() -> None:
    async def story() -> Work:
        work = Work()
        work.gate.clear()
        async with running(work, workers=4) as queue:
            queue.add(A)
            await work.begun.wait()
            queue.add(A)
            queue.add(A)
            work.gate.set()
            await until_done(work, 2)
        return work

    work = asyncio.run(story())
    assert work.done == [A, A]
    assert work.most == 1


def test_no_more_keys_are_worked_on_at_a_time_than_there_are_workers() -> None:
    async def story() -> int:
        work = Work()
        work.gate.clear()
        async with running(work, workers=3) as queue:
            for number in range(10):
                queue.add(ObjectKey("tasks", str(number)))
            await turns(50)
            at_once = len(work.running)
            work.gate.set()
            await until_done(work, 10)
        return at_once

    assert asyncio.run(story()) == 3


def test_a_change_goes_before_all_that_is_looked_at_by_the_clock() -> None:
    async def story() -> list[ObjectKey]:
        work = Work()
        async with running(work, workers=1) as queue:
            for number in range(100):
                queue.add_behind(ObjectKey("tasks", f"c{number:02}"))
            queue.add(A)
            await until_done(work, 101)
        return work.done

    done = asyncio.run(story())
    assert done[0] == A
    assert done[1:] == sorted(done[1:])


def test_a_key_that_waits_behind_moves_forward_when_it_changes_and_is_worked_on_once() -> None:
    async def story() -> tuple[list[ObjectKey], int]:
        work = Work()
        async with running(work, workers=1) as queue:
            queue.add_behind(A)
            queue.add_behind(B)
            queue.add(B)
            queue.add_behind(B)
            waiting = queue.depth()
            await until_done(work, 2)
            await turns(10)
        return work.done, waiting

    assert asyncio.run(story()) == ([B, A], 2)


def test_a_key_that_moved_forward_is_worked_on_again_after_it_was_added_meanwhile() -> None:
    async def story() -> Work:
        work = Work()
        work.gate.clear()
        async with running(work, workers=4) as queue:
            queue.add_behind(A)
            queue.add(A)
            await work.begun.wait()
            queue.add_behind(A)
            await turns(10)
            work.gate.set()
            await until_done(work, 2)
            await turns(10)
        return work

    work = asyncio.run(story())
    assert work.done == [A, A]
    assert work.most == 1


def test_between_two_keys_everybody_else_has_a_turn() -> None:
    async def story() -> list[int]:
        began: list[int] = []
        turn = 0

        async def note(_: ObjectKey) -> None:
            began.append(turn)

        queue = WorkQueue(note, workers=16)
        for number in range(100):
            queue.add(ObjectKey("tasks", str(number)))
        task = asyncio.create_task(queue.run())
        while len(began) < 100:
            await asyncio.sleep(0)
            turn += 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return began

    began = asyncio.run(story())
    assert len(set(began)) == len(began)


def test_what_waits_when_the_work_is_cancelled_is_worked_on_in_the_next_run() -> None:
    async def story() -> list[ObjectKey]:
        work = Work()
        work.gate.clear()
        queue = WorkQueue(work, workers=1)
        for key in (A, B):
            queue.add(key)
        first = asyncio.create_task(queue.run())
        await work.begun.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        work.running.clear()
        work.gate.set()
        second = asyncio.create_task(queue.run())
        await until_done(work, 1)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        return work.done

    assert asyncio.run(story()) == [B]


def test_a_key_that_fails_is_tried_again_until_it_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workqueue, "FIRST_RETRY", 0.001)

    async def story() -> list[ObjectKey]:
        work = Work(failures=3)
        async with running(work) as queue:
            queue.add(A)
            await until_done(work, 4)
        return work.done

    assert asyncio.run(story()) == [A] * 4


def test_a_failing_key_does_not_hold_up_another() -> None:
    async def story() -> list[ObjectKey]:
        work = Work(failures=1)
        async with running(work, workers=1) as queue:
            queue.add(A)
            queue.add(B)
            await until_done(work, 2)
        return work.done

    assert asyncio.run(story()) == [A, B]


def test_of_several_later_wishes_the_earliest_counts() -> None:
    async def story() -> list[ObjectKey]:
        work = Work()
        async with running(work) as queue:
            queue.add_after(A, 3600)
            queue.add_after(A, 0.001)
            queue.add_after(A, 3600)
            await until_done(work, 1)
        return work.done

    assert asyncio.run(story()) == [A]
