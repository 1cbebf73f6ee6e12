"""How fast the relay takes a full outbox to Kafka, against one row, one flush, and a bare producer."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.api.programs import DATABASES, OURS
from bench.api.stage import POSTGRES, SQLITE
from eventconsumer_api.events import EventType, task_event
from eventconsumer_api.ids import new_id, new_ordered_id
from eventconsumer_api.models import new_task
from eventconsumer_api.storage import outbox, schema
from eventconsumer_api.storage.database import Database

if TYPE_CHECKING:
    from bench.api.stage import Place, Stage
    from bench.samples import Samples
    from bench.table import Row
    from eventconsumer_api.events import TaskEvent

_EVENTS = 50_000
_AT_ONCE = 5_000
# It takes longer for each, and as long for the last as for the first.
_ONE_BY_ONE_EVENTS = 500
_CEILING = "bare producer"
_TURNS = 3
"""In a round, of the two that are compared: each of them takes less than a second."""
_ENOUGH = 10_000
_TRIES = 3


def play(stage: Stage, samples: Samples) -> None:
    """Let each relay empty an outbox of its own; the time to start does not count."""
    for _ in range(_TURNS):
        _empty(stage, samples, SQLITE)
        samples.note(_CEILING, _bare(stage.place(SQLITE)))
    _empty(stage, samples, POSTGRES)
    for database in DATABASES:
        place = _filled(stage, database, _ONE_BY_ONE_EVENTS)
        with stage.running(["bench.programs.one_row_relay"], place):
            rate = _rate(stage, place, _ONE_BY_ONE_EVENTS)
        if rate is not None:
            samples.note(f"N relay {database}", rate)


def rows(samples: Samples) -> list[Row]:
    """Say what was found."""
    postgres = samples.median(f"relay {POSTGRES}")
    return [
        samples.at_least(
            "relay, SQLite, vs N: one row, one flush", f"relay {SQLITE}", f"N relay {SQLITE}", times=20
        ),
        samples.at_least(
            "relay, SQLite, vs a bare idempotent producer", f"relay {SQLITE}", _CEILING, times=0.25
        ),
        samples.row(
            "relay, PostgreSQL, vs N: one row, one flush",
            postgres,
            "events/s",
            baseline=samples.median(f"N relay {POSTGRES}"),
            goal=f">= {_ENOUGH:,} events/s",
            met=postgres >= _ENOUGH,
        ),
    ]


def _empty(stage: Stage, samples: Samples, database: str) -> None:
    for _ in range(_TRIES):
        place = _filled(stage, database, _EVENTS)
        with stage.serving(OURS[database], place):
            rate = _rate(stage, place, _EVENTS)
        if rate is not None:
            samples.note(f"relay {database}", rate)
            return
    raise RuntimeError(f"nobody saw the relay at work: {_EVENTS} events came at once, {_TRIES} times")


def _filled(stage: Stage, database: str, events: int) -> Place:
    """Fill an outbox as the Task API does, with events of as many new tasks."""
    place = stage.place(database)
    storage = Database(place.database_url)
    schema.migrate(storage)
    for first in range(0, events, _AT_ONCE):
        with storage.write() as connection:
            outbox.add_all(connection, [(_event(), None) for _ in range(min(_AT_ONCE, events - first))])
    storage.close()
    return place


def _event() -> TaskEvent:
    task = new_task(new_ordered_id(), "Write the capstone lesson", None, datetime.now(UTC))
    return task_event(EventType.CREATED, task, new_id())


def _rate(stage: Stage, place: Place, events: int) -> float | None:
    """Return how many events a second came, or None where a slow look found all of them at once."""
    seen = [(moment, found) for moment, found in stage.await_events(place.topic, events) if found]
    (start, first), (end, last) = seen[0], seen[-1]
    return None if first == last else (last - first) / (end - start)


def _bare(place: Place) -> float:
    command = [sys.executable, "-m", "bench.programs.bare_producer", str(_EVENTS)]
    done = subprocess.run(command, env=place.environment(), check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)
