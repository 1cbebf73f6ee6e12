"""What clients notice of a broker that is killed: nothing, and its events come when it is back.

N is asked once for a single task, since each of its answers takes as long as its flush may wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.api.posting import CLIENTS, await_relay
from bench.api.programs import OURS, SEED
from bench.api.stage import SQLITE, load

if TYPE_CHECKING:
    from bench.api.stage import Stage
    from bench.samples import Samples
    from bench.table import Row

_SECONDS = 2.0
_UP, _DOWN, _N_DOWN = "broker up p99 ms", "broker down p99 ms", "N, broker down, ms"
_ERRORS, _LOST = "broker down errors", "broker down lost"


def play(stage: Stage, samples: Samples) -> None:
    """Load the same server with the broker up and down, and look for its events afterwards."""
    server, seed = stage.kept(OURS[SQLITE]), stage.kept(SEED)
    topic = server.place.topic
    up = load(server, clients=CLIENTS, seconds=_SECONDS)
    await_relay(stage, server)
    before = stage.ends(topic)
    stage.broker.stop()
    try:
        down = load(server, clients=CLIENTS, seconds=_SECONDS)
        if not samples.all(_N_DOWN):
            samples.note(_N_DOWN, load(seed, clients=1, seconds=0).p99)
    finally:
        stage.broker.start()
    await_relay(stage, server)
    told = {message.key() for message in stage.messages(topic, before)}
    samples.note(_UP, up.p99)
    samples.note(_DOWN, down.p99)
    samples.note(_ERRORS, up.errors + down.errors)
    samples.note(_LOST, sum(task.encode() not in told for task, _ in down.tasks))


def rows(samples: Samples) -> list[Row]:
    """Say what was found."""
    errors, lost = sum(samples.all(_ERRORS)), sum(samples.all(_LOST))
    up, down = samples.median(_UP), samples.median(_DOWN)
    seed = samples.median(_N_DOWN)
    return [
        samples.row(
            f"POST /tasks, broker killed, p99, vs broker up; {errors:.0f} errors, {lost:.0f} events lost",
            down,
            "ms",
            baseline=up,
            goal="<= 1.1x, 0 errors, 0 lost",
            met=down <= 1.1 * up and not errors and not lost,
        ),
        samples.row(
            "POST /tasks, broker killed, p99, vs one answer of N",
            down,
            "ms",
            baseline=seed,
            goal="shown",
            met=down < seed,
        ),
    ]
