"""What wakes the relay: its bell, and a connection that has something to say."""

from __future__ import annotations

import os
import resource
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from eventconsumer_api.bell import Bell

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = 1100


@pytest.fixture
def bell() -> Iterator[Bell]:
    with closing(Bell()) as bell:
        yield bell


@pytest.fixture
def a_pipe_beyond_many() -> Iterator[tuple[int, int]]:
    """Open a pipe after so many others that its descriptors are above 1024."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[0] != resource.RLIM_INFINITY and limits[0] < 2 * MANY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(2 * MANY, limits[1]), limits[1]))
    with ExitStack() as opened:
        opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        for _ in range(MANY):
            opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        pipe = os.pipe()
        for end in pipe:
            opened.callback(os.close, end)
        yield pipe


def test_a_bell_that_rang_is_heard_once(bell: Bell) -> None:
    bell.ring()
    bell.ring()
    assert [bell.wait(60), bell.wait(0)] == [True, False]


def test_a_process_with_thousands_of_descriptors_waits_as_any_other(
    bell: Bell, a_pipe_beyond_many: tuple[int, int]
) -> None:
    hears, says = a_pipe_beyond_many
    assert hears > 1024
    assert not bell.wait(0.01, hears)
    os.write(says, b"!")
    assert not bell.wait(3600, hears)
    bell.ring()
    assert bell.wait(3600, hears)


def test_a_connection_whose_other_end_is_gone_ends_the_wait(bell: Bell) -> None:
    hears, says = os.pipe()
    os.close(says)
    assert not bell.wait(3600, hears)
    os.close(hears)
