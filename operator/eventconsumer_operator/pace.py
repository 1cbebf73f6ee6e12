"""How fast the API server is written to: a token bucket that all writes share. Pure.

Whoever comes first is let through first, so nobody starves. What can wait asks ``spare`` before and comes
again later, so a thousand moving figures never hold up one change of state.
"""

from __future__ import annotations


class Pace:
    """So many writes a second, and ``burst`` of them at once after a rest."""

    def __init__(self, *, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = float(burst)
        self._at = float("-inf")

    def take(self, now: float) -> float:
        """Take the next turn; return in how many seconds it is. ``now`` is any clock's, in seconds."""
        self._refill(now)
        self._tokens -= 1
        return max(0.0, -self._tokens / self._per_second)

    def spare(self, now: float) -> bool:
        """Tell whether at least half of the burst is left."""
        self._refill(now)
        return self._tokens >= self._burst / 2

    def _refill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._per_second)
        self._at = max(self._at, now)
