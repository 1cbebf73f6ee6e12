"""The rule for conditions: the transition time moves only when the status flips, the generation always.

Something that rewrites an unchanged condition wakes every watcher of the object, itself included.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from eventconsumer_operator.status_models import Condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.names import ConditionType

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Answer:
    """What a condition says, before it has a time."""

    type: ConditionType
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str


def stamp(now: datetime) -> str:
    """Return a time (in UTC) as Kubernetes writes it."""
    return now.strftime(_TIME)


def moment(text: str) -> datetime:
    """Return the time that Kubernetes has written so."""
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def conditions(
    answers: Sequence[Answer], *, previous: Sequence[Manifest], generation: int, now: datetime
) -> list[Condition]:
    """Give each answer its transition time: the previous one where the status is the same, else now."""
    before = {condition.get("type"): condition for condition in previous}
    return [
        Condition(
            type=answer.type,
            status=answer.status,
            reason=answer.reason,
            message=answer.message,
            observed_generation=generation,
            last_transition_time=_transition_time(before.get(answer.type), answer, now),
        )
        for answer in answers
    ]


def _transition_time(before: Manifest | None, answer: Answer, now: datetime) -> str:
    if before and before.get("status") == answer.status and before.get("lastTransitionTime"):
        return str(before["lastTransitionTime"])
    return stamp(now)
