"""How many requests of one caller are answered; counted in this process, so each replica has a count."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Count:
    """Where a caller stands after a request."""

    allowed: bool
    headers: Mapping[str, str]
    """`RateLimit` and `RateLimit-Policy`, and `Retry-After` for a request too many."""


class RateLimit:
    """Counts requests; ``rate`` is such as `100/second`."""

    def __init__(self, rate: str) -> None:
        self._item = parse(rate)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._policy = f'"caller";q={self._item.amount};w={self._item.get_expiry()}'

    def count(self, caller: str) -> Count:
        """Count one more request of a caller."""
        allowed = self._limiter.hit(self._item, caller)
        stats = self._limiter.get_window_stats(self._item, caller)
        seconds = max(1, math.ceil(stats.reset_time - time.time()))
        headers = {
            "RateLimit-Policy": self._policy,
            "RateLimit": f'"caller";r={max(0, stats.remaining)};t={seconds}',
        }
        if not allowed:
            headers["Retry-After"] = str(seconds)
        return Count(allowed, headers)
