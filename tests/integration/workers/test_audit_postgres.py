"""The audit worker with a real PostgreSQL, which may be away, and with others of its group."""

from __future__ import annotations

import logging
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from eventconsumer_workers.audit.database import verify_database
from tests.integration.workers.postgres_entries import ids, number
from tests.support.events import encoded, event
from tests.support.eventually import eventually
from tests.support.flow import KILLS, KILLS_SECONDS, SOON, flowing

if TYPE_CHECKING:
    from dev.postgres import LocalPostgres
    from tests.integration.workers.conftest import StartWorker
    from tests.support.broker_client import BrokerClient
    from tests.support.worker_process import WorkerProcess

_log = logging.getLogger(__name__)


@pytest.mark.timeout(KILLS_SECONDS)
def test_kill_9_of_the_worker_and_of_the_database_under_flow(
    worker: StartWorker, client: BrokerClient, topic: str, database: str, postgres: LocalPostgres
) -> None:
    audit = worker("audit", AUDIT_DATABASE_URL=database, **SOON)
    with flowing(client, topic) as flow:
        audit.start()
        for number_of_kill in range(KILLS):
            await_more(database, random.randrange(1, 300))  # noqa: S311  # any moment is a good one
            if number_of_kill % 2:
                # The worker lives, and goes on by itself when the database is back.
                postgres.stop()
                postgres.start()
            else:
                audit.kill()
                audit.start()
    await_all(database, flow.sent, within=KILLS_SECONDS / 2)
    _log.info("%d kills, %d events: 0 lost, 0 twice, and the chains are whole", KILLS, len(flow.sent))


def test_a_frozen_worker_that_wakes_after_its_partitions_moved_writes_nothing(
    worker: StartWorker, client: BrokerClient, topic: str, database: str
) -> None:
    first, second = (worker("audit", AUDIT_DATABASE_URL=database, **SOON) for _ in range(2))
    with flowing(client, topic) as flow:
        first.start()
        await_more(database, 100)
        first.freeze()
        second.start()
        # The database may still be at the first's last commit: entries alone do not tell whose they are.
        await_word(second, "Assigned partitions: 0")
        await_more(database, 300)
        first.thaw()
        await_word(first, "Lost partitions")
        await_more(database, 300)
    await_all(database, flow.sent)


def test_a_database_that_is_away_is_said_by_readiness(
    worker: StartWorker, client: BrokerClient, topic: str, database: str, postgres: LocalPostgres
) -> None:
    sent = event()
    postgres.stop()
    audit = worker("audit", AUDIT_DATABASE_URL=database).start()
    client.publish(topic, [encoded(**sent)])
    status, words = eventually(
        "it waits", lambda: audit.probe("/readyz"), until=lambda answer: "audit log" in answer[1]
    )
    assert (status, audit.probe("/healthz")[0]) == (503, 200)
    assert "Connection refused" in words
    postgres.start()
    await_all(database, [sent["event_id"]])


def await_word(worker: WorkerProcess, word: str) -> None:
    eventually(f"the worker says {word!r}", worker.output, until=lambda output: word in output)


def await_more(database: str, count: int) -> None:
    before = number(database)
    eventually("more entries", lambda: number(database), until=lambda now: now >= before + count, every=0.05)


def await_all(database: str, sent: list[str], *, within: float = 60) -> None:
    """Wait until the log has all events; no event is there twice, and none that nobody published."""
    eventually(
        f"{len(sent)} events are audited",
        lambda: number(database),
        until=lambda found: found >= len(sent),
        within=within,
    )
    found = Counter(ids(database))
    lost, more = set(sent) - found.keys(), found - Counter(sent)
    assert (len(lost), len(more)) == (0, 0)
    assert verify_database(database).fault is None
