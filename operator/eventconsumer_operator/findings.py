"""What a check finds: a value of its own, so that whoever looks for faults need not know the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventconsumer_operator.names import ConditionType, Reason


@dataclass(frozen=True)
class Finding:
    """A fault, the condition it makes false, and what a person can do about it."""

    condition: ConditionType
    reason: Reason
    message: str
