"""When to try again: pauses that grow from attempt to attempt, with full jitter.

Full jitter (any length up to the grown pause) keeps the workers that a failed service turned away from coming
back to it all at once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often and after which pauses, in seconds, an event is tried."""

    attempts: int
    initial: float
    longest: float

    def exhausted(self, attempt: int) -> bool:
        """Return whether no attempt follows this one."""
        return attempt >= self.attempts

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after so many failures."""
        # The exponent is bounded, since the power of a large count has no place in a float.
        grown = min(self.longest, self.initial * 2 ** min(failures - 1, 60))
        return random.uniform(0, grown)  # noqa: S311  # Jitter is no secret.
