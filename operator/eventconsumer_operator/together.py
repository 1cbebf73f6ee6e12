"""Waiting for the answers to many questions at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

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
