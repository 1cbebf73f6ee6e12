"""How soon an audit worker that starts again knows where to go on, with a million records in its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.workers.draining import AUDIT_PROGRAM, BACKLOG
from bench.workers.stage import Program

if TYPE_CHECKING:
    from bench.samples import Samples
    from bench.table import Row
    from bench.workers.stage import Stage

_WHOLE_SECONDS = 120.0
_NAME = "audit restart ms"
_MOST_MILLISECONDS = 50


def prepare(stage: Stage) -> None:
    """Let an audit worker write the whole backlog into a log that stays."""
    with stage.running(AUDIT_PROGRAM, BACKLOG, folder=_NAME) as running:
        stage.committed_rate(running, BACKLOG, longest=_WHOLE_SECONDS)


def play(stage: Stage, samples: Samples) -> None:
    """Open that log in a process of its own, as a worker does before it reads its first message."""
    samples.note(_NAME, stage.printed(Program(["bench.programs.reopen"]), BACKLOG, folder=_NAME))


def rows(samples: Samples) -> list[Row]:
    """Say what was found."""
    found = samples.median(_NAME)
    return [
        samples.row(
            f"audit restart, {BACKLOG.messages:,} records, to the first seek",
            found,
            "ms",
            baseline=None,
            goal=f"<= {_MOST_MILLISECONDS} ms",
            met=found <= _MOST_MILLISECONDS,
        )
    ]
