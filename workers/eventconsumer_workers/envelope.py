"""What a message's bytes mean: an event, or the reason why they are none.

Pure. Whatever the bytes are, reading them gives an event that holds to the published contract or a reason; no
exception leaves, so that no message can stop a partition. An event of an unknown type is no fault: types are
added over time, and each worker decides by its filter whether it wants them.

A whole batch is decoded by one ``map`` that runs in C, and only what it refuses is looked at one by one: this
is the larger part of what a worker costs for each event.
"""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, TypeAlias

import msgspec
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_LONGEST_ID = 128
_DEEPEST = 512
"""The decoder's own limit is what is left of the stack: a deeper event could be read here and not there."""
_SHORTEST_DEEP = 2 * _DEEPEST
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_STEPS = {**dict.fromkeys(b"[{", 1), **dict.fromkeys(b"]}", -1)}
_OTHER_BYTES = bytes(set(range(256)) - _STEPS.keys())
_EventId = Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_ID)]


class Rejected(ValueError):  # noqa: N818  # what became of the message, not a fault of ours
    """The message is no event; the text says why."""


class Task(msgspec.Struct, frozen=True, gc=False):
    """The data of the task events."""

    task_id: str
    title: str
    status: str
    owner_id: str | None = None


class Metadata(msgspec.Struct, frozen=True, gc=False):
    """Where a task event comes from."""

    correlation_id: str
    source: str


class Event(msgspec.Struct, frozen=True, gc=False):
    """What all events share; the rest of an event is in its message's bytes.

    The id is any text of 1 to 128 characters: a UUID from the Task API, or what another producer has.
    """

    event_id: _EventId
    event_type: str
    occurred_at: str

    @property
    def task(self) -> Task | None:
        """The task it is about, where it is about one."""
        return None

    @property
    def correlation_id(self) -> str | None:
        """The id that ties the event to the request it came from, where its metadata has one."""
        return None


class TaskEvent(Event, frozen=True, gc=False):
    """An event whose data are a task, whatever its type is."""

    data: Task
    metadata: Metadata

    @property
    @override
    def task(self) -> Task | None:
        return self.data

    @property
    @override
    def correlation_id(self) -> str | None:
        return self.metadata.correlation_id


class OtherEvent(Event, frozen=True, gc=False):
    """An event about anything else: its data and metadata are JSON objects, left as they were received."""

    data: msgspec.Raw
    metadata: msgspec.Raw

    @property
    @override
    def correlation_id(self) -> str | None:
        try:
            return _metadata.decode(self.metadata).correlation_id
        except msgspec.DecodeError:
            return None


class _AnyObject(msgspec.Struct, frozen=True, gc=False):
    pass


_TASK_EVENTS = frozenset({"task.created", "task.updated", "task.completed"})
_task_event = msgspec.json.Decoder(TaskEvent)
_other_event = msgspec.json.Decoder(OtherEvent)
_metadata = msgspec.json.Decoder(Metadata)
_any_object = msgspec.json.Decoder(_AnyObject)
_event_type = attrgetter("event_type")


def read(value: bytes | None, wanted: Collection[str]) -> Event | None:
    """Return the event in a message's value, or None when its type is not wanted.

    An empty ``wanted`` wants all. Raise ``Rejected`` for everything that is no event.
    """
    outcome = _outcome(value, wanted)
    if isinstance(outcome, Rejected):
        raise outcome
    return outcome


def _outcome(value: bytes | None, wanted: Collection[str]) -> Outcome:
    # A rejection that was raised would hold the frames of its callers by its traceback, and with them the
    # whole batch in a circle, until the garbage collector finds it: so it is only made.
    if value is None:
        return Rejected("the message has no value")
    if reason := _fault_of(value):
        return Rejected(reason)
    try:
        return _event(value, wanted)
    except msgspec.DecodeError as fault:
        return Rejected(str(fault))


def _event(value: bytes, wanted: Collection[str]) -> Event | None:
    event = _other_event.decode(value)
    if wanted and event.event_type not in wanted:
        return None
    try:
        return _task_event.decode(value)
    except msgspec.DecodeError:
        if event.event_type in _TASK_EVENTS:
            raise
    _any_object.decode(event.metadata)
    _any_object.decode(event.data)
    return event


Outcome: TypeAlias = "Event | Rejected | None"
"""What became of a message: an event, the reason why it is none, or None for a type that is not wanted."""


def read_all(values: Sequence[bytes | None], wanted: frozenset[str]) -> tuple[list[Outcome], list[int]]:
    """Return what each value is, and the places of those that are no wanted events."""
    found: list[Outcome] = []
    odd: list[int] = []
    rest = iter(_readable(values))
    while len(found) < len(values):
        try:
            # ``extend`` keeps what it got before a value was refused, and ``rest`` goes on behind that value.
            found.extend(map(_task_event.decode, rest))  # type: ignore[arg-type]  # None is refused as well
        except (msgspec.DecodeError, TypeError):
            outcome = _outcome(values[len(found)], wanted)
            if not isinstance(outcome, Event):
                odd.append(len(found))
            found.append(outcome)
    if not wanted or _all_of(wanted, found, odd):
        return found, odd
    found = [one if not isinstance(one, Event) or one.event_type in wanted else None for one in found]
    return found, [place for place, one in enumerate(found) if not isinstance(one, Event)]


def _all_of(wanted: frozenset[str], found: list[Outcome], odd: list[int]) -> bool:
    events = found
    if odd:
        events = found.copy()
        for place in reversed(odd):
            del events[place]
    return wanted.issuperset(map(_event_type, events))


def _readable(values: Sequence[bytes | None]) -> Sequence[bytes | None]:
    """Return the values with None in the place of each that the decoder would wrongly let pass."""
    with suppress(TypeError):  # for None, which is rare
        plain = b"".join(values).isascii()  # type: ignore[arg-type]  # as above
        if plain and max(map(len, values), default=0) < _SHORTEST_DEEP:  # type: ignore[arg-type]  # as above
            return values
    # One bad message brings all of its batch here, so what is plainly readable costs no call.
    return [
        value
        if value is not None and value.isascii() and len(value) < _SHORTEST_DEEP
        else _if_readable(value)
        for value in values
    ]


def _if_readable(value: bytes | None) -> bytes | None:
    return None if value is None or _fault_of(value) else value


def _fault_of(value: bytes) -> str | None:
    """Return what is wrong with bytes that the decoder may not see: it skips over what it does not decode."""
    try:
        value.decode()
    except UnicodeDecodeError as fault:
        return f"not UTF-8: {fault.reason} at byte {fault.start}"
    if len(value) >= _SHORTEST_DEEP and _depth(value) > _DEEPEST:
        return "the JSON is nested too deeply"
    return None


def _depth(value: bytes) -> int:
    """Return how deep JSON is nested, or something small where it has few brackets."""
    if value.count(b"[") + value.count(b"{") <= _DEEPEST:
        return 1
    brackets = _STRING.sub(b"", value).translate(None, _OTHER_BYTES)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)
