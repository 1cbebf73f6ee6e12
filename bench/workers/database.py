"""The audit log in PostgreSQL, against one insert and one commit an event, on the same real server."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from bench.workers.draining import BACKLOG
from bench.workers.stage import Program

if TYPE_CHECKING:
    from bench.samples import Samples
    from bench.table import Row
    from bench.workers.stage import Stage

_OURS, _PLAIN = "audit in PostgreSQL", "N: one insert a commit"
_ENOUGH = 20_000
_TIMES = 20


def play(stage: Stage, samples: Samples) -> None:
    """Measure both, each on an empty database."""
    for name, command in (
        (_OURS, ["eventconsumer_workers", "audit"]),
        (_PLAIN, ["bench.programs.one_by_one", "postgres"]),
    ):
        url = stage.postgres.create_database(f"bench-{uuid4()}")
        samples.note(name, stage.rate(Program(command, {"AUDIT_DATABASE_URL": url}), BACKLOG))


def rows(samples: Samples) -> list[Row]:
    """Say what was found."""
    ours, plain = samples.median(_OURS), samples.median(_PLAIN)
    return [
        samples.row(
            "audit in PostgreSQL, chained, vs one insert a commit",
            ours,
            "events/s",
            baseline=plain,
            goal=f">= {_ENOUGH:,} events/s or >= {_TIMES}x",
            met=ours >= _ENOUGH or ours >= _TIMES * plain,
        )
    ]
