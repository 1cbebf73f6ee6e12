"""kopf's patience with a failing API server, and what it keeps of the objects that it hears of."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import cast

import kopf

from eventconsumer_operator.handlers.lifecycle import Backoffs
from eventconsumer_operator.handlers.stateless import NoMemories
from tests.unit.operator.builders import resource


def test_retries_go_on_for_ten_minutes_with_at_most_twelve_seconds_between_them() -> None:
    delays = list(Backoffs())
    assert sum(delays) >= 600
    assert max(delays) <= 12


def test_every_request_gets_a_series_of_its_own() -> None:
    backoffs = Backoffs()
    first, second = next(iter(backoffs)), next(iter(backoffs))
    assert first < 1
    assert second < 1


def test_delays_vary_so_that_operators_do_not_retry_in_step() -> None:
    late = list(Backoffs())[10:]
    assert any(one != other for one, other in pairwise(late))


def test_kopf_keeps_nothing_of_an_object_between_its_events() -> None:
    memories, heard = NoMemories(), cast("kopf.RawBody", resource())
    first, second = (asyncio.run(memories.recall(heard, memobase=kopf.Memo(a=1))) for _ in range(2))
    assert first is not second
    assert dict(cast("kopf.Memo", first.memo)) == {"a": 1}
    assert not [*memories.iter_all_memories()]
