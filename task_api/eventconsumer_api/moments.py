"""How a moment is written, in events and for the database: in one form, so none is made of another. Pure."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def utc_text(moment: datetime) -> str:
    """Return the moment in UTC as ISO 8601 writes it, to the microsecond: texts of equal length and order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
