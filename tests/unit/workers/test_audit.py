"""The audit handler: what is on disk is told once, what cannot be written is not done."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers.audit_log import AuditLog
from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.handlers.audit import Audit
from eventconsumer_workers.loglines import LogLines
from tests.support.events import encoded
from tests.support.records import batch

if TYPE_CHECKING:
    from pathlib import Path


def test_each_event_is_told_once_in_the_published_words(tmp_path: Path) -> None:
    out = io.StringIO()
    audit = Audit(AuditLog(tmp_path / "audit.log"), LogLines("audit", out))
    data = {"task_id": "abc123", "title": "t", "status": "pending", "owner_id": None}
    known, foreign = encoded("task.updated", data=data), encoded("user\ninvited", data={"user": 7})
    audit.handle(batch(known, known, foreign))
    audit.handle(batch(known))
    audit.close()
    assert out.getvalue().splitlines() == [
        "INFO:audit:AUDIT: task.updated - task_id=abc123",
        r"INFO:audit:AUDIT: user\ninvited - task_id=None",
    ]


def test_a_log_that_cannot_be_written_leaves_the_work_undone(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    audit = Audit(AuditLog(path), LogLines("audit", io.StringIO()))
    audit.handle(batch(encoded()))
    os.truncate(path, 0)
    with pytest.raises(NotDone, match="the audit log cannot be written"):
        audit.handle(batch(encoded()))
    audit.close()
