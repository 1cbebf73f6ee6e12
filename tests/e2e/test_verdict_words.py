"""Every verdict on a moving group is a word of `kubectl get` and, where it is trouble, an Event.

The worker is ready and consumes nothing: what its group does is done by the test, from outside the cluster.
"""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import TopicPartition

from tests.support.events import encoded
from tests.support.eventually import eventually
from tests.support.idle_worker import idle_consumer
from tests.support.members import silent_member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.broker_client import BrokerClient
    from tests.support.kubernetes import Kubernetes

NAME = "moved-from-outside"


@pytest.fixture(autouse=True)
def _consumer(kubernetes: Kubernetes) -> Iterator[None]:
    with idle_consumer(kubernetes, NAME):
        yield


def write(kafka: BrokerClient, records: int) -> None:
    kafka.publish(NAME, [encoded() for _ in range(records)])


def commit(kafka: BrokerClient, offset: int) -> None:
    kafka.commit(NAME, TopicPartition(NAME, 0, offset))


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


def test_a_group_is_stopped_stalled_falling_behind_rewound_recovering_and_at_last_misses_its_worker(
    kubernetes: Kubernetes, kafka: BrokerClient
) -> None:
    write(kafka, 300)
    becomes(kubernetes, "Stopped")
    with silent_member(kafka.bootstrap_servers, NAME, topic=NAME, client_id="silent"):
        becomes(kubernetes, "Stalled")

    offsets = count(1)

    def faster_than_it_reads() -> None:
        write(kafka, 40)
        commit(kafka, next(offsets))

    becomes(kubernetes, "FallingBehind", faster_than_it_reads)
    commit(kafka, 0)
    becomes(kubernetes, "Rewound")
    end = kafka.end_offsets(NAME)[0]
    steps = count(next(offsets), max(1, end // 40))
    becomes(kubernetes, "Recovering", lambda: commit(kafka, min(end, next(steps))))
    commit(kafka, end)
    # It has caught up, and who did that was not its worker.
    becomes(kubernetes, "MembersMissing")

    trouble = {"Stopped", "Stalled", "FallingBehind", "Rewound"}
    eventually("an Event of each", partial(told, kubernetes), until=trouble.issubset)
