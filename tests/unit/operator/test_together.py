"""Many questions at once: how many, and what a failure leaves behind."""

from __future__ import annotations

import asyncio
from typing import Self

import pytest

from eventconsumer_operator.together import each_of

QUESTIONS = range(20)


class Crowd:
    """Counts who is inside, and how many were at most."""

    def __init__(self) -> None:
        self.now = self.most = self.entered = 0

    def __enter__(self) -> Self:
        self.now += 1
        self.entered += 1
        self.most = max(self.most, self.now)
        return self

    def __exit__(self, *_: object) -> None:
        self.now -= 1


async def ask(crowd: Crowd, question: int, *, fails: bool = False) -> int:
    with crowd:
        await asyncio.sleep(0)
        if fails:
            raise ValueError(question)
        return question * 10


def test_every_question_is_answered_and_only_so_many_are_asked_at_once() -> None:
    crowd = Crowd()
    answers = asyncio.run(each_of(lambda number: ask(crowd, number), QUESTIONS, at_once=3))
    assert answers == {number: number * 10 for number in QUESTIONS}
    assert crowd.most == 3


def test_where_nobody_answers_it_is_over_after_the_first_questions() -> None:
    crowd = Crowd()
    with pytest.raises(ValueError, match="0"):
        asyncio.run(each_of(lambda number: ask(crowd, number, fails=True), QUESTIONS, at_once=3))
    assert (crowd.entered, crowd.now) == (3, 0)


def test_one_failure_is_raised_and_leaves_no_question_under_way() -> None:
    crowd = Crowd()
    with pytest.raises(ValueError, match="7"):
        asyncio.run(each_of(lambda number: ask(crowd, number, fails=number == 7), QUESTIONS, at_once=3))
    assert (crowd.entered, crowd.now) == (20, 0)
