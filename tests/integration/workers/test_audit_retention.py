"""A worker that is told for how long its audit log is kept: what is older goes, and the rest is proven."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from eventconsumer_workers.audit import group
from eventconsumer_workers.audit.files import Files
from eventconsumer_workers.audit.log import AuditLog
from eventconsumer_workers.audit.verify import verify
from tests.integration.workers.test_audit import await_ids
from tests.support.events import encoded, event
from tests.support.eventually import eventually
from tests.unit.workers.audit.builders import append, ids_of, some

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.integration.workers.conftest import StartWorker
    from tests.support.broker_client import BrokerClient
    from tests.unit.workers.audit.builders import Sent


def write_old_log(audit_log: Path, topic: str, events: list[Sent]) -> None:
    """Write a segment for each event."""
    log = AuditLog(audit_log, topic, segment_bytes=1)
    for one in events:
        append(log, [one])
    log.close()


def test_what_is_older_than_the_retention_goes_and_a_restart_repeats_nothing(
    worker: StartWorker, client: BrokerClient, topic: str, audit_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = some(range(5)), [event() for _ in range(2)]
    month_ago = datetime.now(UTC) - timedelta(days=31)
    monkeypatch.setattr(group, "now", month_ago.isoformat)
    write_old_log(audit_log, topic, old)
    client.publish(topic, [one.value for one in old], partition=0)
    client.publish(topic, [encoded(**new[0])], partition=0)
    audit = worker("audit", AUDIT_RETENTION_DAYS="30").start()
    eventually("the old segments are gone", lambda: Files(audit_log).oldest(), until=lambda first: first == 5)
    left = ids_of(old[-2:])
    await_ids(audit_log, [*left, new[0]["event_id"]])
    assert audit.stop() == 0
    # Published again, at new offsets: the entry is gone, its id is known.
    client.publish(topic, [old[0].value, encoded(**new[1])], partition=0)
    audit.start()
    await_ids(audit_log, [*left, *(one["event_id"] for one in new)])
    assert verify(Files(audit_log)).begins == {f"{topic}[0]": 4}
    told = subprocess.run(
        [sys.executable, "-m", "eventconsumer_workers", "audit", "verify", f"--log={audit_log}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert f"{topic}[0] from sequence 4 to 7); what came before, retention removed" in told.stdout
