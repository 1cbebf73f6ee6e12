"""Whether a consumer keeps up, told from how it moved and not from how much lag it has. Pure.

The rules, after Burrow's, over a sliding window of looks at the group's offsets, first match first:

* Unknown lag gives no verdict; nor does a group that starts at the latest record and never committed.
* Nothing unread is ``CaughtUp``.
* A committed offset that went back is ``Rewound``, until the group is where it was or the window slid on.
* Records wait and no worker is asked for: ``Stopped``. A partition with unread records at every look of a
  full window, and never a move: ``Stalled``, or ``Stopped`` where nobody is in the group.
* Within the objective (``spec.slo``) at each of the last looks: ``CaughtUp``.
* Beyond it: ``Recovering`` when lag falls, ``FallingBehind`` when it does not. It falls when every newer look
  shows less than every older one; noise does neither and changes nothing.

Messages hold no figures: they would change with every look, and each change would be a write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from eventconsumer_operator.conditions import Answer
from eventconsumer_operator.lag import LagState, packed, position, unread
from eventconsumer_operator.names import ConditionType, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eventconsumer_operator.lag import Lag, Offsets

LOOKS = 10
"""How many looks the window holds, as many as Burrow's."""
ENOUGH = 4
"""How many looks show a direction: two older and two newer."""

_TREND = frozenset({Reason.RECOVERING, Reason.FALLING_BEHIND})
_NOTHING_UNREAD = {LagState.KNOWN: Reason.CAUGHT_UP, LagState.UNCOMMITTED: Reason.UNCOMMITTED}
NOWHERE = -1
"""The position of a group that has none of its own."""
_EARLY = 0.9
"""A round may begin a little early; it still counts as the next look."""

MESSAGES = {
    Reason.CAUGHT_UP: "no more records wait than spec.slo allows",
    Reason.RECOVERING: "more records wait than spec.slo allows, and they become fewer",
    Reason.FALLING_BEHIND: "more records wait than spec.slo allows, and they do not become fewer",
    Reason.STALLED: "records wait on a partition whose committed offset does not move; see status.partitions",
    Reason.STOPPED: "records wait, and nobody consumes them",
    Reason.REWOUND: "a committed offset went back; records are handled again",
    Reason.CONSUMING: "records wait, and it is too early to tell whether they become fewer",
    Reason.LAG_UNKNOWN: "Kafka can't be asked for all offsets",
    Reason.UNCOMMITTED: "the group starts from the latest record and has not committed an offset yet",
}


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a group showed; partitions are the indexes of the arrays.

    Ten looks at each of a thousand groups are most of what the operator remembers: hence arrays.
    """

    at: float
    """Seconds on a clock that never goes back."""
    lag: int
    behind: int | None
    positions: Sequence[int]
    """``NOWHERE`` where the group has no position of its own."""
    unread: Sequence[int]


@dataclass(frozen=True)
class Objective:
    """What the resource calls small: records, and the age in seconds of the oldest unread one."""

    max_lag: int = 100
    max_behind: int | None = None


@dataclass(frozen=True)
class Crew:
    """Who should consume and who does."""

    replicas: int
    members: int | None


def look(
    offsets: Mapping[int, Offsets], total: Lag, *, start_from: str, behind: int | None, at: float
) -> Look | None:
    """Return what is remembered of one look; None where there is no lag to remember."""
    if total.total is None:
        return None
    each = [offsets.get(number) for number in range(max(offsets) + 1)]
    return Look(
        at=at,
        lag=total.total,
        behind=behind,
        positions=packed(_own_position(entry, start_from) for entry in each),
        unread=packed(
            unread(entry, start_from=start_from)
            if entry is not None and entry.start is not None and entry.end is not None
            else 0
            for entry in each
        ),
    )


def slide(window: tuple[Look, ...], newest: Look, *, every: float) -> tuple[Look, ...]:
    """Return the window with one more look, looks being ``every`` seconds apart.

    The newest look is always the last. One that comes early takes the place of the last one, so that many
    looks in a row don't shorten the window; those from before a long silence are dropped.
    """
    kept = [entry for entry in window if newest.at - entry.at <= 2 * LOOKS * every]
    if len(kept) > 1 and kept[-1].at - kept[-2].at < every * _EARLY:
        kept.pop()
    if kept:
        newest = _sharing(kept[-1], newest)
    return tuple([*kept, newest][-LOOKS:])


def keeping_up(
    lag: Lag, window: Sequence[Look], objective: Objective, *, crew: Crew, previous: str | None
) -> Answer:
    """Answer whether the consumer keeps up; ``previous`` is the reason that was given last."""
    reason = _reason(lag, window, objective, crew, previous)
    return Answer(ConditionType.KEEPING_UP, _status(reason, window, objective), reason, MESSAGES[reason])


def data_loss(lag: Lag) -> list[Answer]:
    """Say how many records expired before the group read them; nothing where none did."""
    if not lag.expired:
        return []
    message = (
        f"{lag.expired} records expired before they were read: the committed offset is below the log's start"
    )
    return [Answer(ConditionType.DATA_LOSS, "True", Reason.RECORDS_EXPIRED, message)]


def _reason(
    lag: Lag, window: Sequence[Look], objective: Objective, crew: Crew, previous: str | None
) -> Reason:
    if lag.state is LagState.UNKNOWN or not window:
        return Reason.LAG_UNKNOWN
    if not lag.total:
        return _NOTHING_UNREAD.get(lag.state, Reason.LAG_UNKNOWN)
    fault = _fault(window, crew)
    if fault is not None:
        return fault
    if all(_within(entry, objective) for entry in window[-ENOUGH:]):
        return Reason.LAG_UNKNOWN if lag.state is LagState.PARTIAL else Reason.CAUGHT_UP
    return _direction(window, objective, previous)


def _fault(window: Sequence[Look], crew: Crew) -> Reason | None:
    """Return what is wrong however little lag there is."""
    if _rewound(window):
        return Reason.REWOUND
    if crew.replicas == 0 and not crew.members:
        return Reason.STOPPED
    if _stands_still(window):
        return Reason.STOPPED if crew.members == 0 else Reason.STALLED
    return None


def _status(
    reason: Reason, window: Sequence[Look], objective: Objective
) -> Literal["True", "False", "Unknown"]:
    if reason in {Reason.LAG_UNKNOWN, Reason.UNCOMMITTED, Reason.CONSUMING}:
        return "Unknown"
    if reason is Reason.RECOVERING:
        return "False" if _too_old(window[-1], objective) else "True"
    return "True" if reason is Reason.CAUGHT_UP else "False"


def _direction(window: Sequence[Look], objective: Objective, previous: str | None) -> Reason:
    """Tell which way lag goes since it is beyond the objective; without proof, what was said holds."""
    since = len(window)
    while since and not _within(window[since - 1], objective):
        since -= 1
    lags = [entry.lag for entry in window[since:]]
    if not lags:
        # Within the objective again, and not for long enough to be sure of it.
        return Reason.RECOVERING
    older, newer = lags[: len(lags) // 2], lags[len(lags) // 2 :]
    if len(lags) >= ENOUGH:
        if max(newer) < min(older):
            return Reason.RECOVERING
        if min(newer) > max(older):
            return Reason.FALLING_BEHIND
    if len(lags) == LOOKS:
        still = previous == Reason.RECOVERING and sum(newer) < sum(older)
        return Reason.RECOVERING if still else Reason.FALLING_BEHIND
    if previous in _TREND:
        return Reason(previous)
    return Reason.RECOVERING if since else Reason.CONSUMING


def _rewound(window: Sequence[Look]) -> bool:
    for number, now in enumerate(window[-1].positions):
        before = (entry.positions[number] for entry in window if number < len(entry.positions))
        if now != NOWHERE and any(then > now for then in before):
            return True
    return False


def _stands_still(window: Sequence[Look]) -> bool:
    """Tell whether some partition had unread records at every look of a full window and never moved."""
    if len(window) < LOOKS:
        return False
    return any(
        all(
            number < len(entry.unread) and entry.unread[number] and entry.positions[number] == now
            for entry in window
        )
        for number, now in enumerate(window[-1].positions)
    )


def _within(entry: Look, objective: Objective) -> bool:
    return entry.lag <= objective.max_lag and not _too_old(entry, objective)


def _too_old(entry: Look, objective: Objective) -> bool:
    if objective.max_behind is None or entry.behind is None:
        return False
    return entry.behind > objective.max_behind


def _own_position(offsets: Offsets | None, start_from: str) -> int:
    """Return where the group stands; where it starts from the latest record it stands nowhere at first."""
    if offsets is None or offsets.start is None or offsets.end is None:
        return NOWHERE
    if start_from == "latest" and offsets.committed is None:
        return NOWHERE
    return position(offsets, start_from=start_from)


def _sharing(before: Look, newest: Look) -> Look:
    """Let equal looks share their arrays: most of a thousand consumers are idle, and memory counts."""
    return Look(
        at=newest.at,
        lag=newest.lag,
        behind=newest.behind,
        positions=before.positions if before.positions == newest.positions else newest.positions,
        unread=before.unread if before.unread == newest.unread else newest.unread,
    )
