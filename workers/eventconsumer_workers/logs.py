"""How log records look: as text for people, or as one JSON object a line for machines.

What is logged while an event is handled carries that event's ids, whoever logs it: the loop says which event
it is at (``about``), and the formatter adds it. Text lines stay as they are, for people and for what greps.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TextIO

    from eventconsumer_workers.handlers import Record

TEXT_FORMAT = "%(levelname)s:%(name)s:%(message)s"

FIELDS = ("correlation_id", "event_id", "topic", "partition", "offset")
"""What a JSON line says about the event or message it belongs to, where it belongs to one."""

_current: ContextVar[Mapping[str, Any]] = ContextVar("eventconsumer_log_fields", default={})  # noqa: B039
_json = msgspec.json.Encoder()


class Format(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


def configure(form: Format, stream: TextIO) -> None:
    """Write the process's log to a stream, from INFO upwards."""
    logging.basicConfig(level=logging.INFO, handlers=[handler(form, stream)], force=True)


def handler(form: Format, stream: TextIO) -> logging.Handler:
    """Return what writes log records to a stream in this form."""
    made = logging.StreamHandler(stream)
    made.setFormatter(_Json() if form is Format.JSON else logging.Formatter(TEXT_FORMAT))
    return made


@contextmanager
def about(fields: Mapping[str, Any]) -> Iterator[None]:
    """Let every JSON line of this thread or task carry these fields meanwhile."""
    token = _current.set(fields)
    try:
        yield
    finally:
        _current.reset(token)


def place(record: Record) -> dict[str, Any]:
    """Return the fields that say where a message is: ``extra`` for a log record about it."""
    return {"topic": record.topic(), "partition": record.partition(), "offset": record.offset()}


def json_line(level: str, logger: str, message: str, fields: Mapping[str, Any]) -> str:
    """Return one line, without its end, as JSON; line breaks and control characters are escaped by it."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return _json.encode(
        {"time": now, "level": level, "logger": logger, "message": message, **fields}
    ).decode()


class _Json(logging.Formatter):
    @override
    def format(self, record: logging.LogRecord) -> str:
        given = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        fields = {**_current.get(), **given}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json_line(record.levelname, record.name, record.getMessage(), fields)
