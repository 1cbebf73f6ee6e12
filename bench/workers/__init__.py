"""The workers' area: how fast, how soon and with how little memory the real worker processes do their work.

Each module measures one thing: ``prepare`` once, ``play`` once a round in turns with all others, and ``rows``
from the medians.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.samples import Samples
from bench.workers import database, draining, latency, poison, prefetch, restart, waiting
from bench.workers.stage import Stage
from dev.kafka import LocalBroker
from dev.postgres import LocalPostgres
from dev.steps import say, step

if TYPE_CHECKING:
    from bench.table import Row

_PREPARED = (draining, poison, waiting, restart)
_PARTS = (draining, prefetch, database, waiting, latency, poison, restart)


def rows(rounds: int) -> list[Row]:
    """Measure everything so many times, in turns, and say what was found."""
    samples = Samples("workers")
    with LocalBroker() as broker, LocalPostgres() as postgres, tempfile.TemporaryDirectory() as folder:
        stage = Stage(broker.bootstrap_servers, postgres, Path(folder))
        for part in _PREPARED:
            with step(f"What {part.__name__} reads"):
                part.prepare(stage)
        for number in range(1, rounds + 1):
            for part in _PARTS:
                part.play(stage, samples)
            say(f"  round {number}: {samples.latest()}")
    return [row for part in _PARTS for row in part.rows(samples)]
