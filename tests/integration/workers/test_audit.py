"""The audit worker at a real broker: each event in the log once, whatever happens to the worker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eventconsumer_workers.audit.files import Files
from eventconsumer_workers.audit.query import Wanted, matching
from tests.support.events import encoded, event
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.workers.conftest import StartWorker
    from tests.support.broker_client import BrokerClient


def entries(audit_log: Path) -> list[dict[str, Any]]:
    """Return the log's entries, of all its segments."""
    return [
        json.loads(line)
        for segment in Files(audit_log).opened()
        for line in matching(segment.content, Wanted())
    ]


def ids(audit_log: Path) -> list[str]:
    """Return the event ids of all entries."""
    return [entry["event_id"] for entry in entries(audit_log)]


def count(audit_log: Path) -> int:
    """Return the number of entries in a log of one segment."""
    return audit_log.read_bytes().count(b'{"event_id"')


def await_ids(audit_log: Path, expected: list[str]) -> None:
    eventually(
        f"{len(expected)} events in the audit log",
        lambda: sorted(ids(audit_log)),
        until=lambda found: found == sorted(expected),
    )


def test_every_event_is_audited_as_published(
    worker: StartWorker, client: BrokerClient, topic: str, audit_log: Path
) -> None:
    sent = [event(kind) for kind in ("task.created", "task.updated", "task.completed")]
    client.publish(topic, [json.dumps(one).encode() for one in sent])
    audit = worker("audit").start()
    await_ids(audit_log, [one["event_id"] for one in sent])
    assert {entry["event_id"]: entry["event"] for entry in entries(audit_log)} == {
        one["event_id"]: one for one in sent
    }
    words = [f"{one['event_type']} - task_id={one['data']['task_id']}" for one in sent]
    eventually(
        "a line for each", lambda: sorted(audit.lines("AUDIT: ")), until=lambda now: now == sorted(words)
    )


def test_a_restart_resumes_where_the_worker_stopped(
    worker: StartWorker, client: BrokerClient, topic: str, audit_log: Path
) -> None:
    first, second = event(), event()
    audit = worker("audit")
    client.publish(topic, [json.dumps(first).encode()])
    audit.start()
    await_ids(audit_log, [first["event_id"]])
    assert audit.stop() == 0
    client.publish(topic, [json.dumps(second).encode()])
    audit.start()
    await_ids(audit_log, [first["event_id"], second["event_id"]])
    assert "Loaded 1 previously seen events" in audit.output()
    eventually("two lines", lambda: len(audit.lines("AUDIT: ")), until=lambda now: now == 2)


def test_sigterm_finishes_and_commits_all_that_was_audited(
    worker: StartWorker, client: BrokerClient, topic: str, audit_log: Path
) -> None:
    client.publish(topic, [encoded() for _ in range(3000)])
    audit = worker("audit").start()
    eventually("the first events are audited", lambda: audit_log.exists() and ids(audit_log), every=0.01)
    assert audit.stop() == 0
    committed = client.committed_offsets(f"{topic}-audit", topic)
    assert sum(committed.values()) == len(ids(audit_log))


def test_an_event_that_is_published_again_is_audited_once(
    worker: StartWorker, client: BrokerClient, topic: str, audit_log: Path
) -> None:
    again, marker = event(), event()
    client.publish(topic, [json.dumps(again).encode()] * 3, partition=0)
    client.publish(topic, [json.dumps(marker).encode()], partition=0)
    audit = worker("audit").start()
    await_ids(audit_log, [again["event_id"], marker["event_id"]])
    assert audit.stop() == 0
    client.publish(topic, [json.dumps(again).encode()], partition=0)
    audit.start()
    group = f"{topic}-audit"
    eventually("the repetition is committed", lambda: client.committed_offsets(group, topic).get(0) == 5)
    assert ids(audit_log) == [again["event_id"], marker["event_id"]]


def test_a_second_writer_of_the_same_log_is_refused(worker: StartWorker, topic: str) -> None:
    first, second = worker("audit").start(), worker("audit")
    first.await_ready()
    assert second.start().exit_code() == 1
    assert "another process writes the audit log" in second.output()
    assert topic not in second.output()
