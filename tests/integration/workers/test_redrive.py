"""Dead letters go back to their topic, each once, and what was not chosen stays."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.support.events import encoded
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from tests.integration.workers.conftest import Redrive, StartWorker
    from tests.support.broker_client import BrokerClient

# How many bad messages a test publishes to which partitions.
COUNTS = {1: 6, 2: 7}
# The partitions of three that Java's murmur2 gives these keys, none of which CRC32 would.
JAVA_PARTITIONS = {b"21": 0, b"foobar": 0, b"a-little-bit-long-string": 2}


def taken(client: BrokerClient, dead_letter_topic: str) -> int:
    return client.committed_offsets(f"{dead_letter_topic}.redrive", dead_letter_topic).get(0, 0)


@pytest.fixture
def letters(worker: StartWorker, client: BrokerClient, topic: str, dead_letter_topic: str) -> list[bytes]:
    """Let a worker set two messages aside, and end it."""
    bad = [b"not json", encoded(title=7)]
    client.publish(topic, bad, partition=0)
    process = worker("notification").start()
    eventually("both are set aside", lambda: client.end_offsets(dead_letter_topic), until=lambda e: e[0] == 2)
    process.stop()
    return bad


def test_a_dry_run_counts_and_changes_nothing(
    letters: list[bytes], redrive: Redrive, client: BrokerClient, topic: str, dead_letter_topic: str
) -> None:
    assert f"{len(letters)} dead letters would be sent back" in redrive("--dry-run")
    assert client.end_offsets(topic)[0] == 2
    assert taken(client, dead_letter_topic) == 0


def test_letters_go_back_once_as_the_messages_they_were(
    letters: list[bytes], redrive: Redrive, client: BrokerClient, topic: str, dead_letter_topic: str
) -> None:
    assert "2 dead letters were sent back" in redrive("--rate", "50")
    assert "0 dead letters to be sent back" in redrive()
    assert sum(client.end_offsets(topic).values()) == 4
    back = [one for one in client.messages(topic, count=4) if one.headers()]
    assert sorted(one.value() or b"" for one in back) == sorted(letters)
    assert {str(one.headers()) for one in back} == {str([("dlq_rounds", b"1")])}
    assert taken(client, dead_letter_topic) == 2


def test_letters_go_back_to_the_partitions_they_came_from(
    worker: StartWorker, redrive: Redrive, client: BrokerClient, topic: str, dead_letter_topic: str
) -> None:
    for partition, count in COUNTS.items():
        client.publish(topic, [b"not json"] * count, partition=partition)
    process = worker("notification").start()
    eventually("all are set aside", lambda: client.end_offsets(dead_letter_topic), until={0: 13}.__eq__)
    process.stop()
    assert "13 dead letters were sent back" in redrive()
    assert client.end_offsets(topic) == {0: 0, **{number: 2 * count for number, count in COUNTS.items()}}


def test_a_letter_whose_partition_is_gone_goes_where_java_clients_send_its_key(
    redrive: Redrive, client: BrokerClient, topic: str, dead_letter_topic: str
) -> None:
    for key in JAVA_PARTITIONS:
        headers = [("dlq_topic", topic.encode()), ("dlq_partition", b"7")]
        client.publish_message(dead_letter_topic, value=b"not json", key=key, headers=headers)
    assert f"{len(JAVA_PARTITIONS)} dead letters were sent back" in redrive()
    back = client.messages(topic, count=len(JAVA_PARTITIONS))
    assert {one.key(): one.partition() for one in back} == JAVA_PARTITIONS


def test_a_letter_that_stays_stays_in_its_partition(
    redrive: Redrive, client: BrokerClient, topic: str
) -> None:
    dead_letter_topic = f"{topic}-dlq"
    client.create_topic(dead_letter_topic, partitions=3)
    client.publish(dead_letter_topic, [b"of nobody"] * 6, partition=1)
    goes = [("dlq_topic", topic.encode()), ("dlq_partition", b"0")]
    client.publish_message(dead_letter_topic, value=b"not json", key=b"k", headers=goes)
    before = client.end_offsets(dead_letter_topic)
    assert "6 left: of another topic" in redrive()
    assert client.end_offsets(dead_letter_topic) == {**before, 1: before[1] + 6}


def test_letters_that_are_not_chosen_stay_to_be_taken_later(
    letters: list[bytes], redrive: Redrive, client: BrokerClient, topic: str, dead_letter_topic: str
) -> None:
    assert "1 left: not chosen" in redrive("--error", "malformed")
    assert client.end_offsets(dead_letter_topic) == {0: 3}
    assert taken(client, dead_letter_topic) == 2
    assert "1 dead letters were sent back" in redrive()
    assert taken(client, dead_letter_topic) == 3
    assert sum(client.end_offsets(topic).values()) == 2 + len(letters)


def test_what_was_sent_back_too_often_stays(
    letters: list[bytes], redrive: Redrive, worker: StartWorker, client: BrokerClient, dead_letter_topic: str
) -> None:
    assert "2 dead letters were sent back" in redrive("--max-rounds", "1")
    process = worker("notification").start()
    eventually("they fail again", lambda: client.end_offsets(dead_letter_topic), until={0: 4}.__eq__)
    process.stop()
    assert f"{len(letters)} left: sent back too often" in redrive("--max-rounds", "1")
    assert (client.end_offsets(dead_letter_topic), taken(client, dead_letter_topic)) == ({0: 4}, 2)
    assert "2 dead letters were sent back" in redrive("--max-rounds", "2")


def test_a_rate_is_the_most_that_goes_back_in_a_second(
    redrive: Redrive, client: BrokerClient, topic: str, dead_letter_topic: str
) -> None:
    for _ in range(11):
        headers = [("dlq_topic", topic.encode()), ("dlq_partition", b"0")]
        client.publish_message(dead_letter_topic, value=b"not json", key=b"k", headers=headers)
    assert "11 dead letters were sent back" in redrive("--rate", "5")
    written = [one.timestamp()[1] for one in client.messages(topic, count=11)]
    # Two seconds lie between the first and the last, less where the machine's clock is set meanwhile.
    assert max(written) - min(written) >= 1_800


def test_letters_that_are_too_large_for_a_topic_together_are_not_sent_together(
    redrive: Redrive, client: BrokerClient, topic: str
) -> None:
    dead_letter_topic = f"{topic}-dlq"
    client.create_topic(dead_letter_topic, config={"max.message.bytes": "50000"})
    chance = random.Random(7)  # noqa: S311  # no secret, and bytes that can't be compressed
    for _ in range(10):
        client.publish(dead_letter_topic, [chance.randbytes(20_000)])
    goes = [("dlq_topic", topic.encode()), ("dlq_partition", b"0")]
    client.publish_message(dead_letter_topic, value=b"not json", key=b"k", headers=goes)
    assert "10 left: of another topic" in redrive()
    assert client.end_offsets(dead_letter_topic) == {0: 21}
