"""How fast a backlog is drained: the notification worker without a sink's cost, and the audit worker on disk.

N is the worker that a tutorial would write: poll, `json.loads`, work, commit, each message for itself. B0 is
the ceiling: `consume(500)` with our client settings, and nothing done with what comes. Between B0 and the
audit worker stands the least that a chained log takes in Python, without the worker's promises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import topics
from bench.topics import Topic
from bench.workers.stage import Program

if TYPE_CHECKING:
    from bench.samples import Samples
    from bench.table import Row
    from bench.workers.stage import Stage

BACKLOG = Topic("task-events", partitions=3, messages=1_000_000)
"""380 MB: far more than a client fetches ahead."""

CEILING = "B0: bare consume(500)"
NOTIFICATION = "notification, no-op sink"
LINES = "notification, log lines"
_PLAIN_NOTIFICATION = "N: plain notification"
_AUDIT = "audit"
_PLAIN_AUDIT = "N: plain audit with fsync"
_LEAST_AUDIT = "the least that a chained log takes"

MEMORY = "memory"

BARE = Program(["bench.programs.bare"])
NO_OP = Program(["bench.programs.no_op"])
AUDIT_PROGRAM = Program(["eventconsumer_workers", "audit"])
_PROGRAMS = {
    NOTIFICATION: NO_OP,
    LINES: Program(["eventconsumer_workers", "notification"]),
    _PLAIN_NOTIFICATION: Program(["bench.programs.one_by_one", "notification"]),
    _AUDIT: AUDIT_PROGRAM,
    _PLAIN_AUDIT: Program(["bench.programs.one_by_one", "audit"]),
}


def prepare(stage: Stage) -> None:
    """Fill the backlog."""
    topics.create(stage.bootstrap_servers, BACKLOG)
    topics.fill(stage.bootstrap_servers, BACKLOG, topics.task_event)


def play(stage: Stage, samples: Samples) -> None:
    """Measure each program once."""
    for name, program in _PROGRAMS.items():
        with stage.running(program, BACKLOG) as running:
            samples.note(name, stage.committed_rate(running, BACKLOG))
            if name == LINES:
                samples.note(MEMORY, running.peak_mebibytes())
    samples.note(_LEAST_AUDIT, stage.printed(Program(["bench.programs.least_audit"]), BACKLOG))
    samples.note(CEILING, stage.printed(BARE, BACKLOG))


def rows(samples: Samples) -> list[Row]:
    """Say what was found."""
    return [
        samples.at_least(
            "notification, no-op sink, vs N: the one-by-one worker",
            NOTIFICATION,
            _PLAIN_NOTIFICATION,
            times=100,
        ),
        samples.at_least(
            "notification, no-op sink, vs B0: bare consume(500)", NOTIFICATION, CEILING, times=0.5
        ),
        samples.at_least(
            "notification, log lines to /dev/null, vs N: the one-by-one worker",
            LINES,
            _PLAIN_NOTIFICATION,
            times=100,
        ),
        samples.at_least(
            "audit, on disk and chained before the commit, vs N with fsync", _AUDIT, _PLAIN_AUDIT, times=50
        ),
        samples.at_least(
            "audit, on disk and chained before the commit, vs B0: bare consume(500)",
            _AUDIT,
            CEILING,
            times=0.2,
        ),
        samples.at_least(
            "audit, on disk and chained before the commit, vs the least that a chained log takes in Python",
            _AUDIT,
            _LEAST_AUDIT,
            times=0.5,
        ),
    ]
