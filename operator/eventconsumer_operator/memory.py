"""What this process did to one EventConsumer, and saw of its workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eventconsumer_operator.tidings import Troubles

if TYPE_CHECKING:
    from datetime import datetime

    from eventconsumer_operator.drift import Applied
    from eventconsumer_operator.metrics import Told


@dataclass(slots=True)
class Memory:
    """What this process did to one EventConsumer; losing it costs one apply, nothing else."""

    applied: dict[str, Applied] = field(default_factory=dict)
    status_written_at: float = float("-inf")
    told: Told | None = None
    troubles: Troubles = field(default_factory=Troubles)
    ready: int | None = None
    crew_since: datetime | None = None

    def count(self, ready: int, now: datetime) -> datetime | None:
        """Note how many workers are ready, and return since when; None where that was always so."""
        if self.ready is not None and self.ready != ready:
            self.crew_since = now
        self.ready = ready
        return self.crew_since
