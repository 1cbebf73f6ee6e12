"""Every verdict on a moving group is a word of `kubectl get` and, where it is trouble, an Event.

The worker is ready and consumes nothing: what its group does is done by the test, from outside the cluster.
"""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import TopicPartition

from tests.support.broker_client import BrokerClient
from tests.support.builders import event_consumer, kafka_topic
from tests.support.events import encoded
from tests.support.eventually import eventually
from tests.support.idle_worker import idle_worker
from tests.support.members import silent_member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dev.cluster import Cluster
    from tests.support.kubernetes import Kubernetes

NAME = "moved-from-outside"


@pytest.fixture
def broker(cluster: Cluster) -> BrokerClient:
    return BrokerClient(f"127.0.0.1:{cluster.ports.kafka}")


@pytest.fixture(autouse=True)
def _consumer(kubernetes: Kubernetes) -> Iterator[None]:
    kubernetes.apply(kafka_topic(NAME))
    kubernetes.apply(event_consumer(NAME, topicRef={"name": NAME}, worker=idle_worker(kubernetes)))
    eventually("the worker is ready", lambda: kubernetes.row(NAME)["READY"] == "1/1", within=120)
    yield
    kubernetes.delete("eventconsumer", NAME)
    kubernetes.delete("kafkatopic", NAME)


def write(broker: BrokerClient, records: int) -> None:
    broker.publish(NAME, [encoded() for _ in range(records)])


def commit(broker: BrokerClient, offset: int) -> None:
    broker.commit(NAME, TopicPartition(NAME, 0, offset))


def becomes(kubernetes: Kubernetes, word: str, each: Callable[[], object] = lambda: None) -> None:
    """Do something before each look at the line of `kubectl get`, until the word stands there."""

    def seen() -> str:
        each()
        return kubernetes.row(NAME)["STATUS"]

    eventually(f"STATUS {word}", seen, until=lambda status: status == word, within=120, every=1.0)


def told(kubernetes: Kubernetes) -> set[str]:
    uid = kubernetes.get("eventconsumer", NAME)["metadata"]["uid"]
    about = f"--field-selector=involvedObject.uid={uid},involvedObject.kind=EventConsumer"
    return set(kubernetes.kubectl("get", "events", about, "--output=jsonpath={.items[*].reason}").split())


def test_a_group_is_stopped_stalled_falling_behind_rewound_recovering_and_caught_up(
    kubernetes: Kubernetes, broker: BrokerClient
) -> None:
    write(broker, 300)
    becomes(kubernetes, "Stopped")
    with silent_member(broker.bootstrap_servers, NAME, topic=NAME, client_id="silent"):
        becomes(kubernetes, "Stalled")

    offsets = count(1)

    def faster_than_it_reads() -> None:
        write(broker, 40)
        commit(broker, next(offsets))

    becomes(kubernetes, "FallingBehind", faster_than_it_reads)
    commit(broker, 0)
    becomes(kubernetes, "Rewound")
    end = broker.end_offsets(NAME)[0]
    steps = count(next(offsets), max(1, end // 40))
    becomes(kubernetes, "Recovering", lambda: commit(broker, min(end, next(steps))))
    commit(broker, end)
    becomes(kubernetes, "CaughtUp")

    trouble = {"Stopped", "Stalled", "FallingBehind", "Rewound"}
    eventually("an Event of each", partial(told, kubernetes), until=trouble.issubset)
