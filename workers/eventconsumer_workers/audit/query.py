"""Find entries of an audit log, whichever format they have. Pure: lines in, lines out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from eventconsumer_workers.audit.chain import UNREADABLE, is_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Wanted(NamedTuple):
    """What entries are asked for; None asks for all."""

    task: str | None = None
    event_type: str | None = None
    since: datetime | None = None
    """From this time on, by the event's own time."""
    until: datetime | None = None
    """Before this time."""


class _Data(msgspec.Struct, gc=False):
    task_id: object = None


class _Event(msgspec.Struct, gc=False):
    event_type: str = ""
    occurred_at: str = ""
    data: _Data = msgspec.field(default_factory=_Data)


class _Line(_Event, gc=False):
    """An entry with its event inside, or one of the format without chains, which is the event itself."""

    event: _Event | None = None


_line = msgspec.json.Decoder(_Line)


def matching(lines: Iterable[bytes], wanted: Wanted) -> Iterator[bytes]:
    """Yield the entries that are asked for, as they are stored; pass over lines that are none."""
    for line in lines:
        if is_checkpoint(line) or not line.endswith(b"\n"):
            continue
        try:
            entry = _line.decode(line)
        except UNREADABLE:
            continue
        if _matches(entry.event or entry, wanted):
            yield line


def _matches(event: _Event, wanted: Wanted) -> bool:
    if wanted.task is not None and event.data.task_id != wanted.task:
        return False
    if wanted.event_type is not None and event.event_type != wanted.event_type:
        return False
    if wanted.since is None and wanted.until is None:
        return True
    try:
        time = moment(event.occurred_at)
    except ValueError:
        return False
    return (wanted.since is None or time >= wanted.since) and (wanted.until is None or time < wanted.until)


def moment(text: str) -> datetime:
    """Read an ISO 8601 time, in UTC where it names no zone; raise ``ValueError`` for anything else."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
