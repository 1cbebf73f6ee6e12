"""The API's area: what a task's way over the outbox costs, beside the ways without one.

The servers are the real ones, started as anybody starts them. The clients run beside them on the same cores,
as does the broker, so a rate says little and a ratio a lot: who needs less leaves more to the others. Each
module measures one thing: ``play`` once a round in turns with all others, and ``rows`` from the medians.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bench.api import idle, journey, outage, posting, relaying
from bench.api.stage import Stage
from bench.samples import Samples
from dev.kafka import LocalBroker
from dev.postgres import LocalPostgres
from dev.steps import say

if TYPE_CHECKING:
    from bench.table import Row

_PARTS = (posting, journey, relaying, outage, idle)


def rows(rounds: int) -> list[Row]:
    """Measure everything so many times, in turns, and say what was found."""
    samples = Samples("api")
    with (
        LocalBroker() as broker,
        LocalPostgres(shared_preload_libraries="pg_stat_statements") as postgres,
        tempfile.TemporaryDirectory() as folder,
        ExitStack() as servers,
    ):
        stage = Stage(broker, postgres, Path(folder), servers)
        for number in range(1, rounds + 1):
            for part in _PARTS:
                part.play(stage, samples)
            say(f"  round {number}: {samples.latest()}")
    return [row for part in _PARTS for row in part.rows(samples)]
