"""In which ways Kafka does not do what it is asked; plain values, so that others need not know the client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

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


async def allowed(question: Awaitable[Answer]) -> Answer | Denial:
    """Return the answer to a question, or the denial as an answer."""
    try:
        return await question
    except Denied:
        return Denial()
