"""What a message's bytes mean: an event, or the reason why they are none.

Pure. Whatever the bytes are, ``read`` either returns an event that holds to the published contract or raises
``Rejected``; no other exception leaves it, so that no message can stop a partition. An event of an unknown
type is no fault: types are added over time, and each worker decides by its filter whether it wants them.
"""

from __future__ import annotations

from uuid import UUID  # noqa: TC003  # msgspec reads the annotations at run time

import msgspec


class Rejected(ValueError):  # noqa: N818  # what became of the message, not a fault of ours
    """The message is no event; the text says why."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """The part that all events share; ``data`` and ``metadata`` stay the JSON that was received."""

    event_id: UUID
    event_type: str
    occurred_at: str
    data: msgspec.Raw
    metadata: msgspec.Raw


class Task(msgspec.Struct, frozen=True, gc=False):
    """The data of the task events."""

    task_id: str
    title: str
    status: str
    owner_id: str | None = None


class Reading(msgspec.Struct, frozen=True, gc=False):
    """One event, with its task when it is about one."""

    event: Event
    task: Task | None


class _Metadata(msgspec.Struct, frozen=True, gc=False):
    correlation_id: str
    source: str


class _AnyObject(msgspec.Struct, frozen=True, gc=False):
    pass


_TASK_EVENTS = frozenset({"task.created", "task.updated", "task.completed"})
_event = msgspec.json.Decoder(Event)
_task = msgspec.json.Decoder(Task)
_metadata = msgspec.json.Decoder(_Metadata)
_any_object = msgspec.json.Decoder(_AnyObject)


def read(value: bytes | None, wanted: frozenset[str]) -> Reading | None:
    """Return the event in a message's value, or None when its type is not wanted.

    An empty ``wanted`` wants all. Raise ``Rejected`` for everything that is no event.
    """
    if value is None:
        raise Rejected("the message has no value")
    try:
        # The decoder skips over ``data`` without a look at its text, which the audit log copies.
        if not value.isascii():
            value.decode()
        event = _event.decode(value)
        if wanted and event.event_type not in wanted:
            return None
        if event.event_type in _TASK_EVENTS:
            _metadata.decode(event.metadata)
            return Reading(event, _task.decode(event.data))
        _any_object.decode(event.metadata)
        _any_object.decode(event.data)
    except UnicodeDecodeError as fault:
        raise Rejected(f"not UTF-8: {fault.reason} at byte {fault.start}") from fault
    except msgspec.DecodeError as fault:
        raise Rejected(str(fault)) from fault
    except RecursionError as fault:
        raise Rejected("the JSON is nested too deeply") from fault
    return Reading(event, None)


def correlation_id(event: Event) -> str | None:
    """Return the id that ties the event to the request it came from; None where its metadata has none."""
    try:
        return _metadata.decode(event.metadata).correlation_id
    except msgspec.DecodeError:
        return None
