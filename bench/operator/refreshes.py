"""How often an operator has looked at the lag of its whole fleet, and how long that took it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from bench.operator.process import Operator

_PATIENCE_SECONDS = 60.0
_METRIC = "eventconsumer_operator_lag_refresh_seconds"
_LOGGED = re.compile(r"the lag of \S+ took (\d+\.\d+) s")


@dataclass(frozen=True)
class Refreshes:
    """Looks at the whole fleet since an operator's start."""

    count: float
    seconds: float
    """What they took together."""

    def since(self, before: Refreshes) -> Refreshes:
        """Return those after ``before``."""
        return Refreshes(self.count - before.count, self.seconds - before.seconds)


def measured(operator: Operator, _size: int) -> Refreshes:
    """Ask our operator's metrics."""
    text = httpx2.get(f"http://127.0.0.1:{operator.health_port}/metrics", timeout=_PATIENCE_SECONDS).text
    samples = {
        one.name: one.value for family in text_string_to_metric_families(text) for one in family.samples
    }
    return Refreshes(samples[f"{_METRIC}_count"], samples[f"{_METRIC}_sum"])


def logged(operator: Operator, size: int) -> Refreshes:
    """Add up what the plain operator's log says of one group after the other."""
    took = [float(seconds) for seconds in _LOGGED.findall(operator.log.read_text(errors="replace"))]
    return Refreshes(len(took) / size, sum(took))
