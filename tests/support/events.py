"""Events and their bytes as the Task API publishes them, with whatever a test wants to be different."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4


def event(event_type: str = "task.created", **changes: Any) -> dict[str, Any]:
    """Return one event; ``changes`` replaces top-level fields, and ``title`` the task's title."""
    title = changes.pop("title", "Write the report")
    return {
        "event_type": event_type,
        "data": {"task_id": str(uuid4()), "title": title, "status": "pending", "owner_id": None},
        "metadata": {"correlation_id": str(uuid4()), "source": "task-api"},
        "event_id": str(uuid4()),
        "occurred_at": "2026-01-15T10:30:00.000000+00:00",
        **changes,
    }


def encoded(event_type: str = "task.created", **changes: Any) -> bytes:
    """Return one event as the bytes of a message."""
    return json.dumps(event(event_type, **changes)).encode()
