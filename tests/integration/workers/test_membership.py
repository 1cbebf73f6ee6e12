"""Workers as members of a group at a real broker: they share, and they leave in order."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.events import encoded, event
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from dev.kafka import LocalBroker
    from tests.integration.conftest import MakeTopic
    from tests.integration.workers.conftest import StartWorker
    from tests.support.broker_client import BrokerClient
    from tests.support.worker_process import WorkerProcess


def told(*workers: WorkerProcess) -> set[str]:
    """Return the ids of the tasks that any of the workers has told about."""
    lines = [line for worker in workers for line in worker.lines("NOTIFICATION: ")]
    return {line.rpartition("(ID: ")[2].removesuffix(")") for line in lines}


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_worker_that_joins_and_one_that_leaves_lose_nothing(
    worker: StartWorker, client: BrokerClient, topic: str, protocol: str
) -> None:
    sent: set[str] = set()
    enough = threading.Event()

    def flow() -> None:
        while not enough.wait(0.02):
            batch = [event() for _ in range(20)]
            client.publish(topic, [json.dumps(one).encode() for one in batch])
            sent.update(one["data"]["task_id"] for one in batch)

    publisher = threading.Thread(target=flow)
    publisher.start()
    try:
        first, second = (worker("notification", GROUP_PROTOCOL=protocol) for _ in range(2))
        first.start()
        eventually("the first works", lambda: told(first))
        second.start()
        eventually("the second works", lambda: told(second))
        assert first.stop() == 0
    finally:
        enough.set()
        publisher.join()
    eventually("all is told", lambda: sent - told(first, second), until=lambda missing: not missing)


def test_a_member_without_a_partition_is_ready(worker: StartWorker, make_topic: MakeTopic) -> None:
    topic = make_topic(partitions=1)
    members = [worker("notification", KAFKA_TOPIC=topic).start() for _ in range(2)]
    for member in members:
        member.await_ready()


def test_a_worker_ends_on_sigterm_though_the_broker_is_silent(
    worker: StartWorker, client: BrokerClient, topic: str, broker: LocalBroker
) -> None:
    notification = worker("notification").start()
    client.publish(topic, [encoded()])
    eventually("it works", lambda: told(notification))
    broker.pause()
    try:
        assert notification.stop() == 0
    finally:
        broker.resume()
