"""A circuit breaker for one sink: a receiver that is down is asked by one event at a time, ever less often.

Pure: time and chance are given. Invariant: after ``failures`` failures in a row nothing is let through but
single probes, and one success lets everything through again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_FAILURES = 5


def backoff(attempt: int, *, first: float, longest: float, chance: float) -> float:
    """Return the pause in seconds after a failed attempt, counted from 1; ``chance`` in [0, 1) spreads it.

    At least half of the doubled pause is kept, so that many senders neither hurry nor march in step.
    """
    whole = min(first * 2.0 ** min(attempt - 1, 32), longest)
    return whole * (1 + chance) / 2


class Breaker:
    """Counts failures in a row and says when the next attempt may be."""

    def __init__(
        self, chance: Callable[[], float], *, first: float, longest: float, failures: int = _FAILURES
    ) -> None:
        self._chance = chance
        self._first = first
        self._longest = longest
        self._limit = failures
        self._in_a_row = 0
        self._not_before = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether the receiver counts as down."""
        return self._in_a_row >= self._limit

    def wait(self, now: float) -> float | None:
        """Return the seconds until the next attempt; None while a probe is under way, 0 for at once."""
        if self._probing:
            return None
        return max(0.0, self._not_before - now)

    def begin(self) -> None:
        """Note that an attempt begins."""
        self._probing = self.is_open

    def pause(self, now: float, seconds: float) -> None:
        """Let nothing through for so long: the receiver asked for it, which is no failure."""
        self._probing = False
        self._not_before = max(self._not_before, now + seconds)

    def succeeded(self) -> None:
        """Note a success."""
        self._probing = False
        self._in_a_row = 0
        self._not_before = 0.0

    def failed(self, now: float) -> None:
        """Note a failure; from the limit on, each one makes the pause longer."""
        self._probing = False
        self._in_a_row += 1
        if self.is_open:
            pause = backoff(
                self._in_a_row - self._limit + 1,
                first=self._first,
                longest=self._longest,
                chance=self._chance(),
            )
            self._not_before = now + pause
