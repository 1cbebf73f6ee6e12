"""Notifications as tests send them: only what the test is about is said."""

from __future__ import annotations

import json
from typing import Any

from eventconsumer_workers.sinks import Notification

EVENT_ID = "7b0c2f2e-4a55-4a9e-9d0e-0d7a3c1f5a11"
OCCURRED_AT = "2026-01-15T10:30:00.000000+00:00"


def notification(event_type: str = "task.created", *, event_id: str = EVENT_ID, **data: Any) -> Notification:
    """Return the notification of one event; keywords replace or add fields of its data."""
    task = {"task_id": "abc123", "title": "Write a lesson", "status": "pending", "owner_id": None, **data}
    metadata = {"correlation_id": "c0ffee", "source": "task-api"}
    event = {
        "event_type": event_type,
        "data": task,
        "metadata": metadata,
        "event_id": event_id,
        "occurred_at": OCCURRED_AT,
    }
    body = json.dumps(event).encode()
    return Notification(event_id, event_type, OCCURRED_AT, "c0ffee", body)
