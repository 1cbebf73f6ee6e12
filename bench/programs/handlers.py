"""Handlers of a custom worker, for what is measured through the same door that a team would use."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventconsumer_workers import Event

_WAIT_SECONDS = 0.005

_latest: dict[str, int] = {}
_lock = Lock()


def wait(event: Event) -> None:
    """Wait as for somebody's answer, and tell when the events of a task come out of their order."""
    task = event.task
    assert task is not None  # noqa: S101  # the topic holds nothing else
    time.sleep(_WAIT_SECONDS)
    with _lock:
        if int(task.title) <= _latest.get(task.task_id, -1):
            print(f"{task.task_id} out of order: {task.title} after {_latest[task.task_id]}", flush=True)
        _latest[task.task_id] = int(task.title)


def clock(event: Event) -> None:
    """Tell how many milliseconds old the event is."""
    task = event.task
    assert task is not None  # noqa: S101  # the topic holds nothing else
    print(f"age {(time.time_ns() - int(task.title)) / 1e6:.3f}", flush=True)
