"""What a task is and how it may change: plain values, known to every layer and knowing none of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
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


class TaskChanges(TypedDict, total=False):
    """The fields a caller wants changed; a missing key keeps a field, `owner_id: None` takes it away."""

    title: str
    status: Status
    owner_id: UUID | None


def changed(task: Task, changes: TaskChanges) -> Task:
    """Return the task with the changes applied; it equals the given one when they ask for what already is.

    Any status may follow any other: a completed task may be reopened, and completing it again is a new
    completion.
    """
    return replace(task, **changes)
