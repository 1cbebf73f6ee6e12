"""When a status is worth a write: at once for news, seldom for figures, never for nothing. Pure.

What a script or an alert waits for (a condition, a word, a number of workers, a lag that becomes unknown) is
written at once. Figures that only move are written at most once in an interval, and only when one has left a
band around what is written: a tenth of the larger of the two, which holds noise of five per cent to either
side. What trembles inside its band is written after ``LONGEST`` all the same, so a figure is at most a tenth
off, or at most that old; ``observedAt`` always tells when the written figures were true. Time lag moves by
the clock alone, so while it is young its band is wide, and what is outside of a narrow one is written after a
minute.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eventconsumer_operator.conditions import moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eventconsumer_operator.models import Manifest

LONGEST = 600.0
"""After how many seconds figures are written that differ at all."""

_FIGURES = frozenset(
    {
        "lag",
        "maxPartitionLag",
        "rawLag",
        "deadLetters",
        "behindSeconds",
        "behindEstimated",
        "partitions",
        "observedAt",
    }
)
_WORDS_OF_FIGURES = frozenset({"lag", "behind"})
_WORDS_OF_SCALING = frozenset({"wanted", "reason", "message"})
"""What spec.scaling makes of the lag moves with it; how many workers it has run is state."""
_COUNTS = ("lag", "maxPartitionLag", "rawLag", "deadLetters")
_BAND = 0.1
_BAND_OF_TIME = 0.25
_SECONDS_OF_TIME = 30
_FINEST_SECONDS_OF_TIME = 15
"""Time lag grows by the clock alone, and is only as fine as the time between two looks."""
_A_MINUTE = 60.0
_NUMBER = re.compile(r"\d+")


def write_due(old: Manifest, new: Manifest, *, since_write: float, interval: float) -> float | None:
    """Return in how many seconds the new status should be written: 0 is at once, None is never.

    ``since_write`` is how long ago this process wrote this resource's status, and ``interval`` how often
    moving figures may be written, both in seconds.
    """
    if _without(old, {"observedAt"}) == _without(new, {"observedAt"}):
        return None
    if news(old, new):
        return 0.0
    wait = max(0.0, interval - since_write)
    if _left_the_band(old, new):
        return wait
    patience = _A_MINUTE if _time_moved(old, new, _FINEST_SECONDS_OF_TIME) else LONGEST
    return max(wait, patience - _age(old, new))


def news(old: Manifest, new: Manifest) -> bool:
    """Tell whether anything changed but figures that may well move on in a moment."""
    return _state(old) != _state(new)


def _left_the_band(old: Manifest, new: Manifest) -> bool:
    if (old.get("scaling") or {}).get("reason") != (new.get("scaling") or {}).get("reason"):
        return True
    return any(_moved(old.get(name), new.get(name)) for name in _COUNTS) or _time_moved(
        old, new, _SECONDS_OF_TIME
    )


def _time_moved(old: Manifest, new: Manifest, least: float) -> bool:
    return _moved(old.get("behindSeconds"), new.get("behindSeconds"), band=_BAND_OF_TIME, least=least)


def _moved(before: int | None, after: int | None, *, band: float = _BAND, least: float = 0) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(after - before) > max(least, band * max(before, after))


def _state(status: Manifest) -> Manifest:
    """Return what is left of a status without its figures, those inside messages included."""
    conditions = [
        {**entry, "message": _NUMBER.sub("#", entry.get("message", ""))}
        for entry in status.get("conditions", [])
    ]
    summary = _without(status.get("summary", {}), _WORDS_OF_FIGURES)
    scaling = _without(status.get("scaling") or {}, _WORDS_OF_SCALING)
    known = {name: status.get(name) is not None for name in _COUNTS}
    return _without(status, _FIGURES) | {
        "conditions": conditions,
        "summary": summary,
        "scaling": scaling,
        "known": known,
    }


def _age(old: Manifest, new: Manifest) -> float:
    """Return how many seconds lie between two observations; for ever where one has no time."""
    times = [status.get("observedAt") for status in (old, new)]
    before, after = (moment(text) if text else None for text in times)
    return (after - before).total_seconds() if before and after else LONGEST


def _without(fields: Manifest, names: Iterable[str]) -> Manifest:
    return {name: value for name, value in fields.items() if name not in names}
