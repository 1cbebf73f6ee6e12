"""What little memory costs: 16 MB fetched ahead, as the workers do, against the client's default of 64 MB.

The memory is the most that the real notification worker had while it drained the backlog of 380 MB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.workers.draining import BACKLOG, MEMORY, NOTIFICATION
from bench.workers.stage import Program

if TYPE_CHECKING:
    from bench.samples import Samples
    from bench.table import Row
    from bench.workers.stage import Stage

_MORE = "notification, no-op sink, 64 MB ahead"
_MOST_MEBIBYTES = 100


def play(stage: Stage, samples: Samples) -> None:
    """Measure the worker with the larger queue; the other figures are there already."""
    program = Program(["bench.programs.no_op"], {"KAFKA_FETCH_AHEAD_KBYTES": "65536"})
    samples.note(_MORE, stage.rate(program, BACKLOG))


def rows(samples: Samples) -> list[Row]:
    """Say what was found."""
    memory = samples.median(MEMORY)
    return [
        samples.row(
            "memory of the notification worker, 16 MB ahead, 380 MB backlog",
            memory,
            "MiB",
            baseline=None,
            goal=f"<= {_MOST_MEBIBYTES} MiB",
            met=memory <= _MOST_MEBIBYTES,
        ),
        samples.at_least("notification, no-op sink, 16 MB ahead vs 64 MB", NOTIFICATION, _MORE, times=0.9),
    ]
