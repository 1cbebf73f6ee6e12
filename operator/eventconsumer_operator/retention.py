"""Whether records will be deleted by their topic's retention before the group reads them. Pure.

By time: the oldest unread record comes nearer to ``retention.ms`` by each second that the group does not get
on; a group that gets on faster than time passes loses nothing. By size: where ``retention.bytes`` has begun
to delete, a group that reads slower than is written and stands in the oldest quarter of a log is next.

It is said when the time left is less than a quarter of the retention, and never from what is not known. The
time left is told in coarse steps, because each change of a message is a write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventconsumer_operator.conditions import Answer
from eventconsumer_operator.lag import LagState
from eventconsumer_operator.names import ConditionType, Reason
from eventconsumer_operator.throughput import handled, written
from eventconsumer_operator.verdict import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eventconsumer_operator.lag import Lag, PartitionLag
    from eventconsumer_operator.verdict import Look

_NEAR = 1 / 4
_STILL_NEAR = 1 / 3
"""What was said once is taken back a little later, so that it does not come and go."""
_HOUR, _DAY = 3600, 86400
_STEPS = (
    (60, "a minute"),
    (300, "5 minutes"),
    (1800, "half an hour"),
    (_HOUR, "an hour"),
    (4 * _HOUR, "4 hours"),
    (12 * _HOUR, "12 hours"),
    (_DAY, "a day"),
    (2 * _DAY, "2 days"),
    (7 * _DAY, "a week"),
    (30 * _DAY, "a month"),
)


@dataclass(frozen=True)
class Retention:
    """What a topic keeps: None stands for no limit."""

    seconds: float | None
    size: int | None

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Retention | None:
        """Read a topic's settings; None where they don't say it, or the topic is only compacted."""
        try:
            milliseconds, size = int(settings["retention.ms"]), int(settings["retention.bytes"])
            if "delete" not in settings["cleanup.policy"].split(","):
                return None
        except (KeyError, ValueError):
            return None
        return cls(milliseconds / 1000 if milliseconds >= 0 else None, size if size >= 0 else None)


def retention_risk(
    lag: Lag,
    window: Sequence[Look],
    retention: Retention | None,
    worst: Iterable[PartitionLag],
    *,
    previous: Mapping[str, str] | None,
) -> list[Answer]:
    """Say how soon unread records expire; nothing where none will, or where that is not known."""
    if retention is None or not lag.total or lag.state is not LagState.KNOWN or not window:
        return []
    said = bool(previous and previous.get("status") == "True")
    left = _time_left(window, retention, said=said)
    if left is not None:
        soon = f"unread records expire in less than {_words(left)} by the topic's retention.ms"
        message = f"{soon}: they age faster than they are read"
        return [Answer(ConditionType.RETENTION_RISK, "True", Reason.EXPIRING_BY_TIME, message)]
    if retention.size is not None and _falls_back(window) and any(_next_to_go(entry) for entry in worst):
        message = (
            "more is written than read, retention.bytes deletes the topic's oldest records, and the group"
            " stands in the oldest quarter of a partition; see status.partitions"
        )
        return [Answer(ConditionType.RETENTION_RISK, "True", Reason.EXPIRING_BY_SIZE, message)]
    return []


def _time_left(window: Sequence[Look], retention: Retention, *, said: bool) -> float | None:
    """Return in how many seconds records expire, None where that is not near or not known."""
    behind = window[-1].behind
    if retention.seconds is None or behind is None:
        return None
    room = max(0.0, retention.seconds - behind)
    ageing = _ageing(window)
    if room == 0:
        return 0.0
    if ageing is None:
        # Too few looks, as after a restart: what was said before holds while it may.
        return room if said and room < retention.seconds * _STILL_NEAR else None
    if ageing <= 0 or room / ageing >= retention.seconds * (_STILL_NEAR if said else _NEAR):
        return None
    return room / ageing


def _ageing(window: Sequence[Look]) -> float | None:
    """Return by how many seconds the oldest unread record grows older in one second: by 1 at most.

    What seems to age faster is another record: one that came with an older time, be it the first that waits.
    """
    known: list[Look] = []
    for look in window:
        if not look.lag:
            known = []
        elif look.behind is not None:
            known.append(look)
    if len(known) < ENOUGH or known[-1].at <= known[0].at:
        return None
    return min(1.0, ((known[-1].behind or 0) - (known[0].behind or 0)) / (known[-1].at - known[0].at))


def _falls_back(window: Sequence[Look]) -> bool:
    if len(window) < ENOUGH:
        return False
    arriving, leaving = written(window), handled(window)
    return arriving is not None and leaving is not None and arriving > leaving


def _next_to_go(entry: PartitionLag) -> bool:
    """Tell whether the next deletion of a log's oldest records may take unread ones along."""
    if not entry.lag or not entry.log_start or entry.log_end is None:
        return False
    position = max(entry.committed or 0, entry.log_start)
    return (position - entry.log_start) < (entry.log_end - entry.log_start) * _NEAR


def _words(seconds: float) -> str:
    return next((words for most, words in _STEPS if seconds < most), "some months")
