"""What this process did to one EventConsumer, and saw of its workers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eventconsumer_operator.tidings import Troubles

if TYPE_CHECKING:
    from datetime import datetime

    from eventconsumer_operator.drift import Applied
    from eventconsumer_operator.metrics import Told

_FIRST_ANSWER_SECONDS = 2.0


@dataclass(slots=True)
class Memory:
    """What this process did to one EventConsumer; losing it costs one apply, nothing else."""

    began: float = field(default_factory=time.monotonic)
    applied: dict[str, Applied] = field(default_factory=dict)
    failed_applies: int = 0
    """How many in a row the API server could not take in."""
    status_written_at: float = float("-inf")
    told: Told | None = None
    troubles: Troubles = field(default_factory=Troubles)
    ready: int | None = None
    crew_since: datetime | None = None

    def patience(self) -> float:
        """Return for how many seconds more the first status may wait for Kafka's first answer."""
        return self.began + _FIRST_ANSWER_SECONDS - time.monotonic()

    def count(self, ready: int, now: datetime) -> datetime | None:
        """Note how many workers are ready, and return since when; None where that was always so."""
        if self.ready is not None and self.ready != ready:
            self.crew_since = now
        self.ready = ready
        return self.crew_since
