"""How Kafka answers: what a group is, the ways in which an answer can fail, and waiting for many at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from eventconsumer_operator.membership import Member

Answer = TypeVar("Answer")


class Unreachable(Exception):  # noqa: N818  # reads as what happened: "except Unreachable"
    """The Kafka cluster did not answer in time; ``fix`` is what helps, where that is known."""

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        super().__init__(message)
        self.fix = fix


class Denied(Unreachable):
    """Kafka knows who asks, and does not let them know."""


@dataclass(frozen=True)
class Denial:
    """That Kafka does not let us know, as an answer among others: it must not hide those."""


class Occupied(Exception):  # noqa: N818  # reads as what happened: "except Occupied"
    """The consumer group has members, so Kafka keeps it as it is."""


@dataclass(frozen=True)
class Group:
    """What a consumer group is doing."""

    state: str
    members: tuple[Member, ...]
    renewed_by_commit: bool = False
    """Whether its offsets are kept from their last commit on, and not since the last member left."""


async def allowed(question: Awaitable[Answer]) -> Answer | Denial:
    """Return the answer to a question, or the denial as an answer."""
    try:
        return await question
    except Denied:
        return Denial()


async def all_of(*questions: Awaitable[Answer]) -> list[Answer]:
    """Wait for all questions to end, then return their answers or raise the first failure.

    Unlike a bare gather it leaves no question running behind a failure, so the client can be closed then.
    """
    answers = await asyncio.gather(*questions, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]
