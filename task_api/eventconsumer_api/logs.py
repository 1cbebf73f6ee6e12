"""How log records look: as text for people, or as one JSON object a line for machines.

What is logged while a request is handled carries its correlation id, whoever logs it. Invariant: no line
holds a credential; libraries that would print what they are given are kept quiet, at level DEBUG too.
"""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from uuid import UUID

_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

FIELDS = ("method", "path", "status", "milliseconds", "owner_id")
"""What a line about a request says besides its text."""

# SQLAlchemy prints the parameters of every statement: titles, and the hashes of keys.
_CHATTY = ("sqlalchemy", "alembic", "asyncio", "uvicorn.access")

correlation_id: ContextVar[UUID | None] = ContextVar("eventconsumer_correlation_id", default=None)
"""The id of the request that is being handled."""


class Format(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


def logging_config(form: Format, level: str) -> dict[str, Any]:
    """Describe logs on standard error, the same for the server and for us."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"text": {"format": _TEXT}, "json": {"()": Json}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": form.value}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {name: {"level": "WARNING"} for name in _CHATTY},
    }


class Json(logging.Formatter):
    """One JSON object a line; line breaks and control characters are escaped by it."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        current = correlation_id.get()
        if current is not None:
            fields["correlation_id"] = str(current)
        fields |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)
