"""A redrive runs in a worker's pod and within its memory: of large letters it moves few at once."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Message

from eventconsumer_workers.redriver import batch_of

if TYPE_CHECKING:
    from collections.abc import Iterator


class Letters:
    """A consumer of so many letters that are all the same."""

    def __init__(self, letter: Message, count: int) -> None:
        self._letters: Iterator[Message] = islice(iter(lambda: letter, None), count)

    def poll(self, timeout: float) -> Message | None:
        assert timeout > 0
        return next(self._letters, None)


@pytest.mark.parametrize(
    "large",
    [
        Message("orders-dlq", 0, 5, b"k", b"x" * 1_000_000),
        Message("orders-dlq", 0, 5, b"k", b"{}", headers=[("own", b"x" * 1_000_000)]),
    ],
    ids=["by its value", "by its headers"],
)
def test_large_letters_are_taken_few_at_once(large: Message) -> None:
    assert len(batch_of(Letters(large, 500), 500)) == 5


def test_small_letters_are_taken_together_up_to_what_was_asked_for_or_is_there() -> None:
    small = Message("orders-dlq", 0, 5, b"k", b"{}")
    assert [len(batch_of(Letters(small, there), 500)) for there in (0, 3, 900)] == [0, 3, 500]
