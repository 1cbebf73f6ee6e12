"""The audit handler: what is on disk is told once, what cannot be written is not done."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers.audit.log import AuditLog
from eventconsumer_workers.audit.opening import AuditLogError
from eventconsumer_workers.handlers import NotDone
from eventconsumer_workers.handlers.audit import Audit
from eventconsumer_workers.loglines import LogLines
from tests.support.events import encoded
from tests.support.records import batch

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


class AKafka:
    """Answers what an audit log asks Kafka for."""

    def __init__(self, *topic_ids: str, committed: int = 0) -> None:
        self._topic_ids = iter(topic_ids or ("the topic's id",) * 9)
        self._committed = committed

    def topic_id(self) -> str:
        return next(self._topic_ids)

    def committed(self, partitions: Collection[int]) -> dict[int, int]:
        return dict.fromkeys(partitions, self._committed)


def worker(path: Path, out: io.StringIO, kafka: AKafka | None = None) -> Audit:
    return Audit(lambda: AuditLog(path, "orders"), LogLines("audit", out), kafka or AKafka())


def test_each_event_is_told_once_in_the_published_words(tmp_path: Path) -> None:
    out = io.StringIO()
    audit = worker(tmp_path / "audit.log", out)
    data = {"task_id": "abc123", "title": "t", "status": "pending", "owner_id": None}
    known, foreign = encoded("task.updated", data=data), encoded("user\ninvited", data={"user": 7})
    audit.handle(batch(known, known, foreign)).settle()
    audit.handle(batch(known)).settle()
    audit.close()
    assert out.getvalue().splitlines() == [
        "INFO:audit:AUDIT: task.updated - task_id=abc123",
        r"INFO:audit:AUDIT: user\ninvited - task_id=None",
    ]


def test_a_log_that_cannot_be_written_leaves_the_work_undone(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    audit = worker(path, io.StringIO())
    audit.handle(batch(encoded())).settle()
    os.truncate(path, 0)
    with pytest.raises(NotDone, match="the audit log cannot be written"):
        audit.handle(batch(encoded())).settle()
    audit.close()


def test_a_disk_that_is_not_there_at_the_start_is_waited_for(tmp_path: Path) -> None:
    out = io.StringIO()
    audit = worker(tmp_path / "volume" / "audit.log", out)
    audit.open()
    with pytest.raises(NotDone, match="No such file or directory"):
        audit.handle(batch(encoded())).settle()
    (tmp_path / "volume").mkdir()
    audit.handle(batch(encoded())).settle()
    assert out.getvalue()
    audit.close()


def test_nothing_is_written_for_partitions_that_may_be_another_s(tmp_path: Path) -> None:
    audit = worker(tmp_path / "audit.log", io.StringIO())
    audit.open()
    with pytest.raises(NotDone, match="still its own"):
        audit.handle(replace(batch(encoded()), still_ours=lambda: False)).settle()
    audit.close()
    assert b'"event_id"' not in (tmp_path / "audit.log").read_bytes()


def test_a_topic_that_is_made_anew_is_audited_from_its_first_message(tmp_path: Path) -> None:
    out = io.StringIO()
    audit = worker(tmp_path / "audit.log", out, AKafka("the first topic", "the second topic"))
    audit.assigned([0])
    audit.handle(batch(encoded(), encoded())).settle()
    audit.handle(batch(encoded())).settle()
    audit.close()
    assert len(out.getvalue().splitlines()) == 3


def lose_its_end(path: Path, kafka: AKafka) -> None:
    """Write a log of two events of partition 0 and damage the last one."""
    audit = worker(path, io.StringIO(), kafka)
    audit.handle(batch(encoded())).settle()
    audit.handle(batch(encoded(event_id="the last"), first_offset=1)).settle()
    audit.close()
    path.write_bytes(path.read_bytes().replace(b"the last", b"the lost"))


def test_a_log_that_lost_its_end_and_is_opened_behind_it_ends_the_worker_and_is_read_again(
    tmp_path: Path,
) -> None:
    path, kafka = tmp_path / "audit.log", AKafka(committed=2)
    lose_its_end(path, kafka)
    with pytest.raises(AuditLogError, match="is read again"):
        worker(path, io.StringIO(), kafka).handle(batch(encoded(), first_offset=2))
    audit = worker(path, io.StringIO(), kafka)
    audit.open()
    assert audit.assigned([0]) == {0: 1}
    audit.close()


def test_a_lost_end_is_not_passed_by_when_the_log_is_opened_with_another_partition_s_events(
    tmp_path: Path,
) -> None:
    path, kafka = tmp_path / "audit.log", AKafka(committed=2)
    lose_its_end(path, kafka)
    audit = worker(path, io.StringIO(), kafka)
    audit.assigned([0, 1])
    with pytest.raises(AuditLogError, match="is read again"):
        audit.handle(batch(encoded(), partition=1))
    audit.close()


def test_a_topic_that_is_made_anew_is_noticed_by_a_partition_that_was_idle_until_then(tmp_path: Path) -> None:
    out = io.StringIO()
    path = tmp_path / "audit.log"
    audit = worker(path, out, AKafka("the first topic"))
    audit.assigned([0])
    audit.handle(batch(encoded(), encoded())).settle()
    audit.close()
    audit = worker(path, out, AKafka("the first topic", "the second topic"))
    audit.assigned([0, 1])
    audit.handle(batch(encoded(), partition=1)).settle()
    audit.handle(batch(encoded())).settle()
    audit.close()
    assert len(out.getvalue().splitlines()) == 4
