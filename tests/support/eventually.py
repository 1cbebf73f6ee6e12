"""Wait for a condition with a deadline: the one place where a test sleeps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Observed = TypeVar("Observed")


def eventually(
    what: str,
    probe: Callable[[], Observed],
    *,
    within: float = 60.0,
    every: float = 0.25,
    until: Callable[[Observed], bool] = bool,
) -> Observed:
    """Return what ``probe`` gives once ``until`` holds; fail after ``within`` s with what was last seen.

    An exception from the probe counts as seen: things that are not there yet often say so by raising.
    """
    deadline = time.monotonic() + within
    last: object = "nothing observed"
    while True:
        try:
            observed = probe()
        except Exception as failure:  # noqa: BLE001  # whatever the probe raises is what a failed wait must show
            last = failure
        else:
            if until(observed):
                return observed
            last = observed
        if time.monotonic() > deadline:
            message = f"waited {within:.0f} s in vain for: {what}\nlast seen: {last!r}"
            raise AssertionError(message)
        time.sleep(every)
