"""The audit worker at a real broker while things break: nothing is lost or twice, and the chains hold."""

from __future__ import annotations

import logging
import operator
import os
import random
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers.audit.files import Files
from eventconsumer_workers.audit.verify import verify
from tests.integration.workers.test_audit import await_ids, ids
from tests.support.events import encoded, event
from tests.support.eventually import eventually
from tests.support.flow import KILLS, KILLS_SECONDS, SOON, flowing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.workers.conftest import StartWorker
    from tests.support.broker_client import BrokerClient

_log = logging.getLogger(__name__)


def await_all(audit_log: Path, sent: list[str]) -> None:
    await_ids(audit_log, sent)
    assert verify(Files(audit_log)).fault is None


@pytest.mark.timeout(KILLS_SECONDS)
def test_kill_9_at_any_moment_with_a_relay_that_publishes_again(
    worker: StartWorker, client: BrokerClient, topic: str, audit_log: Path
) -> None:
    audit = worker("audit", **SOON)
    with flowing(client, topic) as flow:
        for _ in range(KILLS):
            before = state(audit_log)
            audit.start()
            eventually("it writes", lambda: state(audit_log), until=partial(operator.ne, before), every=0.01)
            time.sleep(random.uniform(0, 0.5))  # noqa: S311  # any moment is a good one
            audit.kill()
    audit.start()
    await_all(audit_log, flow.sent)
    _log.info("%d kills, %d events: each once, and the chains are whole", KILLS, len(flow.sent))


def state(audit_log: Path) -> tuple[int, int]:
    """Return which file is being written, and its length."""
    found = audit_log.stat() if audit_log.exists() else None
    return (0, 0) if found is None else (found.st_ino, found.st_size)


def test_a_frozen_worker_that_wakes_after_its_partitions_moved_writes_nothing_twice(
    worker: StartWorker, client: BrokerClient, topic: str, audit_log: Path, tmp_path: Path
) -> None:
    other_log = tmp_path / "other.log"
    first = worker("audit", **SOON).start()
    with flowing(client, topic) as flow:
        eventually("the first works", lambda: audit_log.exists() and ids(audit_log))
        first.freeze()
        second = worker("audit", AUDIT_LOG_PATH=str(other_log), **SOON).start()
        eventually("the second has its partitions", lambda: other_log.exists() and ids(other_log))
        first.thaw()
        eventually("both are members", lambda: "Lost partitions" in first.output())
    eventually(
        "everything is audited",
        lambda: set(ids(audit_log)) | set(ids(other_log)),
        until=lambda found: found == set(flow.sent),
    )
    second.stop()
    assert [verify(Files(log)).fault for log in (audit_log, other_log)] == [None, None]


def test_a_log_that_was_damaged_at_its_end_is_read_again_from_there_and_then_goes_by_kafka(
    worker: StartWorker, client: BrokerClient, topic: str, audit_log: Path
) -> None:
    sent = [event() for _ in range(3)]
    audit = worker("audit", **SOON).start()
    for number, one in enumerate(sent, 1):
        client.publish(topic, [encoded(**one)], partition=0)
        await_ids(audit_log, [earlier["event_id"] for earlier in sent[:number]])
    audit.stop()
    audit_log.write_bytes(audit_log.read_bytes().replace(sent[-1]["event_id"].encode(), b"x" * 36))
    audit.start()
    await_all(audit_log, [one["event_id"] for one in sent])
    eventually("it has caught up", lambda: not Files(audit_log).again.exists())


def test_while_the_holder_of_the_log_is_frozen_nobody_else_writes_it(
    worker: StartWorker, client: BrokerClient, topic: str, audit_log: Path
) -> None:
    first = worker("audit", **SOON).start()
    client.publish(topic, [encoded()])
    eventually("the first works", lambda: audit_log.exists() and ids(audit_log))
    first.freeze()
    second = worker("audit").start()
    assert second.exit_code() == 1
    assert "another process writes the audit log" in second.output()
    first.kill()
    third = worker("audit", **SOON).start()
    third.await_ready()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 2 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a disk can't be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_stops_the_worker_until_there_is_space_again(
    worker: StartWorker, client: BrokerClient, topic: str, small_disk: Path
) -> None:
    log = small_disk / "audit.log"
    filler = small_disk / "filler"
    filler.write_bytes(os.urandom(1_500_000))
    sent = [event() for _ in range(2_000)]
    client.publish(topic, [encoded(**one) for one in sent])
    audit = worker("audit", AUDIT_LOG_PATH=str(log)).start()
    status, words = eventually(
        "it waits", lambda: audit.probe("/readyz"), until=lambda answer: "No space left" in answer[1]
    )
    assert (status, audit.probe("/healthz")[0]) == (503, 200)
    assert "the audit log cannot be written" in words
    filler.unlink()
    await_all(log, [one["event_id"] for one in sent])
    audit.await_ready()


def test_a_disk_that_becomes_read_only_stops_the_worker_until_it_is_writable_again(
    worker: StartWorker, client: BrokerClient, topic: str, small_disk: Path
) -> None:
    log = small_disk / "audit.log"
    first, second = event(), event()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    audit = worker("audit", AUDIT_LOG_PATH=str(log)).start()
    client.publish(topic, [encoded(**first), encoded(**second)])
    eventually(
        "it waits", lambda: audit.probe("/readyz"), until=lambda answer: "Read-only file system" in answer[1]
    )
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    await_all(log, [first["event_id"], second["event_id"]])


def test_events_that_kafka_has_no_committed_offset_for_any_more_are_not_audited_again(
    worker: StartWorker, client: BrokerClient, topic: str, audit_log: Path
) -> None:
    sent = [event() for _ in range(50)]
    client.publish(topic, [encoded(**one) for one in sent])
    audit = worker("audit").start()
    await_all(audit_log, [one["event_id"] for one in sent])
    audit.stop()
    marker = event()
    client.publish(topic, [encoded(**marker)])
    worker("audit", KAFKA_GROUP_ID=f"{topic}-another").start()
    await_all(audit_log, [one["event_id"] for one in [*sent, marker]])


def test_a_topic_that_is_deleted_and_made_again_is_audited_from_its_first_message(
    worker: StartWorker, client: BrokerClient, topic: str, audit_log: Path
) -> None:
    old, new = [event() for _ in range(30)], [event() for _ in range(60)]
    client.publish(topic, [encoded(**one) for one in old], partition=0)
    audit = worker("audit").start()
    await_all(audit_log, [one["event_id"] for one in old])
    audit.stop()
    client.delete_topic(topic)
    client.create_topic(topic)
    client.publish(topic, [encoded(**one) for one in new], partition=0)
    audit.start()
    await_all(audit_log, [one["event_id"] for one in [*old, *new]])
