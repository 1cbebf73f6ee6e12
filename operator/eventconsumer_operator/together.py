"""Asking many questions, and waiting for the answers to all of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

Question = TypeVar("Question")
Answer = TypeVar("Answer")


async def all_of(*questions: Awaitable[Answer]) -> list[Answer]:
    """Wait for all questions to end, then return their answers or raise the first failure.

    Unlike a bare gather it leaves no question running behind a failure, so the client can be closed then.
    """
    answers = await asyncio.gather(*questions, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


async def each_of(
    ask: Callable[[Question], Awaitable[Answer]], questions: Iterable[Question], *, at_once: int
) -> dict[Question, Answer]:
    """Ask so many questions at a time, and return the answers or raise the first failure.

    A question takes memory only while it is being asked. Whoever fails asks no more, so where nobody answers
    it is over after as long as the first questions take.
    """
    answers: dict[Question, Answer] = {}
    waiting = iter(questions)

    async def go_on_asking() -> None:
        for question in waiting:
            answers[question] = await ask(question)

    await all_of(*(go_on_asking() for _ in range(at_once)))
    return answers
