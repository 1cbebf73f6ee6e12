"""What a task is and how it may change: plain values, known to every layer and knowing none of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class Status(StrEnum):
    """How far a task is."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Task:
    """One task as the API shows it."""

    id: UUID
    title: str
    status: Status
    owner_id: UUID | None
    version: int
    """1 for a new task, one more with each change."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks a list holds, and in which order."""

    status: Status | None = None
    owner_id: UUID | None = None
    text: str | None = None
    """Stands somewhere in the title, in capitals or not."""
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    tasks: list[Task]
    end: int | None
    """The place of the last task, where more follow."""


class TaskChanges(TypedDict, total=False):
    """The fields a caller wants changed; a missing key keeps a field, `owner_id: None` takes it away."""

    title: str
    status: Status
    owner_id: UUID | None


def new_task(task_id: UUID, title: str, owner_id: UUID | None, now: datetime) -> Task:
    """Return a pending task in its first version."""
    return Task(task_id, title, Status.PENDING, owner_id, version=1, created_at=now, updated_at=now)


def changed(task: Task, changes: TaskChanges, now: datetime) -> Task:
    """Return the task's next version, or the task as it is when the changes ask for what already is.

    Any status may follow any other: a completed task may be reopened, and completing it again is a new
    completion.
    """
    after = replace(task, **changes)
    return task if after == task else replace(after, version=task.version + 1, updated_at=now)
