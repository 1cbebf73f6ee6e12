"""How often a caller may ask."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from eventconsumer_api.guarding.limit import RateLimit

if TYPE_CHECKING:
    import pytest

NOON = 1_768_478_400.0


def test_one_request_too_many_is_told_when_to_come_back() -> None:
    limit = RateLimit("2/day")
    counts = [limit.count("ann") for _ in range(3)]
    assert [count.allowed for count in counts] == [True, True, False]
    assert [count.headers["RateLimit-Policy"] for count in counts] == ['"caller";q=2;w=86400'] * 3
    assert [count.headers["RateLimit"].split(";")[1] for count in counts] == ["r=1", "r=0", "r=0"]
    assert 0 < int(counts[2].headers["Retry-After"]) <= 86400
    assert "Retry-After" not in counts[1].headers


def test_whoever_asked_too_often_may_come_back_when_the_count_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "time", lambda: NOON)
    limit = RateLimit("1/day")
    limit.count("ann")
    assert limit.count("ann").headers["Retry-After"] == str(12 * 3600)


def test_one_caller_takes_nothing_from_another() -> None:
    limit = RateLimit("1/day")
    assert [limit.count(caller).allowed for caller in ("ann", "ben", "ann")] == [True, True, False]
