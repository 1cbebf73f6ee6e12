"""How long an event is on its way from its commit to the topic, at some tasks a second.

The clock starts when the request leaves, before the commit, and stops when the broker appends the event to
its log, by the broker's own timestamp: what is measured is longer than what is meant.
"""

from __future__ import annotations

import json
from statistics import quantiles
from typing import TYPE_CHECKING

from bench.api.posting import await_relay
from bench.api.programs import DATABASES, OURS
from bench.api.stage import load

if TYPE_CHECKING:
    from bench.api.stage import Stage
    from bench.samples import Samples
    from bench.table import Row

_CLIENTS = 2
_SECONDS = 3.0
_PAUSE_SECONDS = 0.05
_ENOUGH_MILLISECONDS = 50


def play(stage: Stage, samples: Samples) -> None:
    """Post some tasks a second to each server and ask the topic when each event came."""
    for database in DATABASES:
        server = stage.kept(OURS[database])
        await_relay(stage, server)
        before = stage.ends(server.place.topic)
        posted = dict(load(server, clients=_CLIENTS, seconds=_SECONDS, pause=_PAUSE_SECONDS).tasks)
        await_relay(stage, server)
        waits = [
            message.timestamp()[1] - 1000 * posted[json.loads(message.value() or b"")["data"]["task_id"]]
            for message in stage.messages(server.place.topic, before)
        ]
        samples.note(f"to topic {database} p99 ms", quantiles(waits, n=100)[98])


def rows(samples: Samples) -> list[Row]:
    """Say what was found."""
    found = {database: samples.median(f"to topic {database} p99 ms") for database in DATABASES}
    return [
        samples.row(
            f"request to topic, {database}, p99",
            milliseconds,
            "ms",
            baseline=None,
            goal=f"<= {_ENOUGH_MILLISECONDS} ms",
            met=milliseconds <= _ENOUGH_MILLISECONDS,
        )
        for database, milliseconds in found.items()
    ]
