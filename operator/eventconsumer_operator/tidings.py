"""Which changes of a status are told under Events in ``kubectl describe``. Pure.

Trouble is told when it begins, and its end when it ends; what comes and goes meanwhile is not. What a status
already says is not told again: a restart of the operator is no news. Nor is a verdict on workers that are on
their way or have only just come: Kafka was asked before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eventconsumer_operator.availability import IN_MOTION
from eventconsumer_operator.names import ConditionType, Reason

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest

_ON_THE_WAY = IN_MOTION | {Reason.WAITING_FOR_TOPIC}
_BAD_VERDICTS = frozenset({Reason.STALLED, Reason.STOPPED, Reason.REWOUND, Reason.FALLING_BEHIND})
_AS_ASKED = frozenset({Reason.STOPPED, Reason.PAUSED, Reason.SCALED_TO_ZERO})
_BAD_WHEN_TRUE = frozenset({ConditionType.DATA_LOSS, ConditionType.RETENTION_RISK})


@dataclass(frozen=True)
class Tiding:
    """One thing to tell."""

    reason: str
    message: str
    good: bool


@dataclass(slots=True)
class Troubles:
    """What was told of one EventConsumer and has not ended, by condition."""

    _open: dict[str, str] = field(default_factory=dict)
    _known: bool = False

    def after(self, old: Manifest, new: Manifest) -> list[Tiding]:
        """Return what to tell now that a status was written in place of another one."""
        if not self._known:
            self._known = True
            self._open = {kind: entry["reason"] for kind, entry in _bad(old).items()}
            if not _is_ready(old):
                self._open.pop(ConditionType.KEEPING_UP, None)
        bad, by_type = _bad(new), _by_type(new)
        if not _is_ready(old) and ConditionType.KEEPING_UP not in self._open:
            bad.pop(ConditionType.KEEPING_UP, None)
        tidings = [
            Tiding(entry["reason"], entry["message"], good=False)
            for kind, entry in bad.items()
            if self._open.get(kind) != entry["reason"]
        ]
        for kind in list(self._open.keys() - bad.keys()):
            now = by_type.get(kind)
            if now is None:
                del self._open[kind]
            elif now["status"] == "True":
                del self._open[kind]
                tidings.append(Tiding(now["reason"], now["message"], good=True))
        self._open |= {kind: entry["reason"] for kind, entry in bad.items()}
        return tidings


def _bad(status: Manifest) -> dict[str, Manifest]:
    """Return the conditions of a status that are trouble."""
    by_type = _by_type(status)
    nobody_yet = by_type.get(ConditionType.READY, {}).get("reason") in _AS_ASKED | _ON_THE_WAY
    return {
        kind: entry
        for kind, entry in by_type.items()
        if _is_bad(kind, entry) and not (kind == ConditionType.KEEPING_UP and nobody_yet)
    }


def _is_bad(kind: str, entry: Manifest) -> bool:
    status, reason = str(entry["status"]), str(entry["reason"])
    if kind == ConditionType.READY:
        return status == "False" and reason not in _ON_THE_WAY
    if kind == ConditionType.KEEPING_UP:
        return status == "False" and reason in _BAD_VERDICTS
    if kind == ConditionType.CONSUMERS_JOINED:
        return status == "False" and reason == Reason.FOREIGN_MEMBERS
    return kind in _BAD_WHEN_TRUE and status == "True"


def _is_ready(status: Manifest) -> bool:
    return bool(_by_type(status).get(ConditionType.READY, {}).get("status") == "True")


def _by_type(status: Manifest) -> dict[str, Manifest]:
    return {entry["type"]: entry for entry in status.get("conditions", [])}
