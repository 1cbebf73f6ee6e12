"""How fast records are written and handled, told from a window of looks at one consumer group. Pure.

A rate needs two looks, and a partition's end is its position and what is unread there. Where that can't be
had, nothing is claimed: rates are None, and lag is gone after an endless time.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from eventconsumer_operator.verdict import ENOUGH, LOOKS, NOWHERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_operator.verdict import Look


def written(window: Sequence[Look]) -> float | None:
    """Return how many records a second are written; None where that is not known."""
    return _rate(window, with_unread=True)


def handled(window: Sequence[Look]) -> float | None:
    """Return how many records a second the group commits; None where that is not known."""
    return _rate(window, with_unread=False)


def drained_in(window: Sequence[Look]) -> float:
    """Return in how many seconds lag is gone if it goes on as at the last looks; endless where it grows."""
    recent = window[-ENOUGH:]
    if len(recent) < 2:  # noqa: PLR2004  # a difference needs two
        return inf
    lost, passed = recent[0].lag - recent[-1].lag, recent[-1].at - recent[0].at
    return recent[-1].lag * passed / lost if lost > 0 else inf


def stands_still(window: Sequence[Look]) -> bool:
    """Tell whether, with records waiting at every look of a full window, no position moved."""
    return (
        len(window) == LOOKS
        and all(look.lag for look in window)
        and all(look.positions == window[-1].positions for look in window)
    )


def _rate(window: Sequence[Look], *, with_unread: bool) -> float | None:
    if not window or window[-1].at <= window[0].at:
        return None
    first, last = _places(window[0], with_unread=with_unread), _places(window[-1], with_unread=with_unread)
    moved = sum(
        max(0, now - before) for before, now in zip(first, last, strict=False) if NOWHERE not in {before, now}
    )
    return moved / (window[-1].at - window[0].at)


def _places(look: Look, *, with_unread: bool) -> list[int]:
    return [
        NOWHERE if position == NOWHERE else position + (unread if with_unread else 0)
        for position, unread in zip(look.positions, look.unread, strict=True)
    ]
