"""Malformed messages at a real broker: set aside whole, never in the way, never lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.events import encoded
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from tests.integration.workers.conftest import StartWorker
    from tests.support.broker_client import BrokerClient


@pytest.mark.parametrize("kind", ["audit", "notification"])
def test_malformed_messages_never_stop_a_partition(
    kind: str, worker: StartWorker, client: BrokerClient, topic: str, dead_letter_topic: str
) -> None:
    bad: list[bytes | None] = [b"not json", b"\xff\xfe", b"{}", None, encoded(title=7)]
    values = [value for one in bad for value in (encoded(), one, encoded())]
    client.publish(topic, values, partition=0)
    process = worker(kind).start()
    group = f"{topic}-{kind}"
    eventually("all is committed", lambda: client.committed_offsets(group, topic).get(0) == len(values))
    assert [letter.value() for letter in client.messages(dead_letter_topic, count=len(bad))] == bad
    assert len(process.lines(f"{kind.upper()}: ")) == 2 * len(bad)


def test_a_dead_letter_is_the_message_byte_for_byte_with_its_origin(
    worker: StartWorker, client: BrokerClient, topic: str, dead_letter_topic: str
) -> None:
    headers = [("ce_id", b"7"), ("twice", b"\x00"), ("twice", b"\xff")]
    client.publish_message(topic, value=b"\x80 not an event", key=b"\xfe\x01", headers=headers)
    worker("audit").start()
    (letter,) = client.messages(dead_letter_topic, count=1)
    ((partition, _),) = [place for place in client.end_offsets(topic).items() if place[1] == 1]
    assert (letter.value(), letter.key()) == (b"\x80 not an event", b"\xfe\x01")
    assert letter.headers() == [
        *headers,
        ("dlq_error", b"not UTF-8: invalid start byte at byte 0"),
        ("dlq_topic", topic.encode()),
        ("dlq_partition", str(partition).encode()),
        ("dlq_offset", b"0"),
        ("dlq_group", f"{topic}-audit".encode()),
        ("dlq_attempts", b"0"),
    ]


def test_without_a_dead_letter_topic_the_offset_waits_and_the_worker_says_so(
    worker: StartWorker, client: BrokerClient, topic: str
) -> None:
    client.publish(topic, [b"not json"], partition=0)
    audit = worker("audit").start()
    status, words = eventually(
        "it waits", lambda: audit.probe("/readyz"), until=lambda answer: "waiting" in answer[1]
    )
    assert status == 503
    assert f"did not reach {topic}-dlq" in words
    assert audit.probe("/healthz") == (200, "the loop turns")
    assert client.committed_offsets(f"{topic}-audit", topic).get(0, 0) == 0
    client.create_topic(f"{topic}-dlq")
    eventually("the offset moves", lambda: client.committed_offsets(f"{topic}-audit", topic) == {0: 1})
    assert [letter.value() for letter in client.messages(f"{topic}-dlq", count=1)] == [b"not json"]
