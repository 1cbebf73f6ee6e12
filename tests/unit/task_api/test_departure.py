"""A batch on its way out of the outbox: known until its deletion is told, and waited for."""

from __future__ import annotations

import threading
from contextlib import closing
from functools import partial

import pytest

from eventconsumer_api.departure import Departure

ROWS = [4, 5, 6]


def wait(may_end: threading.Event) -> None:
    assert may_end.wait(30)


def fails() -> None:
    raise RuntimeError("disk full")


def test_rows_are_on_their_way_until_their_deletion_is_over() -> None:
    may_end = threading.Event()
    with closing(Departure()) as departure:
        departure.begin(ROWS, partial(wait, may_end))
        assert departure.rows() == ROWS
        may_end.set()
        departure.over()
        assert departure.rows() == ()


def test_a_deletion_that_failed_is_told_once_to_whoever_waits_for_it() -> None:
    with closing(Departure()) as departure:
        departure.begin(ROWS, fails)
        with pytest.raises(RuntimeError, match="disk full"):
            departure.over()
        departure.over()
        assert departure.rows() == ()


def test_a_deletion_that_failed_is_told_before_the_outbox_is_looked_at_again() -> None:
    departure = Departure()
    departure.begin(ROWS, fails)
    departure.close()
    with pytest.raises(RuntimeError, match="disk full"):
        departure.rows()


def test_the_end_waits_for_what_is_on_its_way() -> None:
    done: list[str] = []
    may_end = threading.Event()
    departure = Departure()

    def delete() -> None:
        wait(may_end)
        done.append("deleted")

    departure.begin(ROWS, delete)
    threading.Timer(0.01, may_end.set).start()
    departure.close()
    assert done == ["deleted"]
