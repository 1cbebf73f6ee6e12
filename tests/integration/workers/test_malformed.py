"""Malformed messages at a real broker: set aside whole, never in the way, never lost."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.support.events import encoded
from tests.support.eventually import eventually
from tests.support.odd_headers import publish_with_odd_header

if TYPE_CHECKING:
    from tests.integration.workers.conftest import StartWorker
    from tests.support.broker_client import BrokerClient

CHANCE = random.Random(7)  # noqa: S311  # no secret, the same bytes each time


def noise(count: int, size: int) -> list[bytes]:
    """Return bytes that are no event and can't be compressed."""
    return [CHANCE.randbytes(size) for _ in range(count)]


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


def test_headers_that_can_not_be_read_stop_nothing_and_their_dead_letter_says_so(
    worker: StartWorker, client: BrokerClient, topic: str, dead_letter_topic: str
) -> None:
    for value in (b"not json", encoded()):
        publish_with_odd_header(client.bootstrap_servers, topic, value)
    process = worker("notification", NOTIFICATION_SINKS='[{"name":"log","type":"log"}]').start()
    eventually("the event is told", lambda: process.lines("NOTIFICATION: "))
    (letter,) = client.messages(dead_letter_topic, count=1)
    headers = letter.headers()
    assert isinstance(headers, list)
    assert headers[0] == ("dlq_headers_unreadable", b"the name of a header is not UTF-8")
    assert (letter.value(), dict(headers)["dlq_topic"]) == (b"not json", topic.encode())


@pytest.mark.parametrize(
    ("values", "own", "left"),
    [
        pytest.param(noise(60, 20_000), b"", 20_000, id="many that are small"),
        pytest.param(noise(2, 150_000), b"", 65_536, id="two that are cut"),
        pytest.param(noise(1, 70_000), *noise(1, 40_000), 1024, id="large in both parts"),
        pytest.param([b"not json"], *noise(1, 200_000), 8, id="large by its headers"),
    ],
)
def test_the_limit_of_the_dead_letter_topic_never_stops_a_partition(
    worker: StartWorker, client: BrokerClient, topic: str, values: list[bytes], own: bytes, left: int
) -> None:
    client.create_topic(f"{topic}-dlq", config={"max.message.bytes": "100000"})
    for value in values:
        client.publish_message(topic, value=value, key=b"k", headers=[("own", own)])
    worker("audit").start()
    eventually(
        "all is committed",
        lambda: sum(client.committed_offsets(f"{topic}-audit", topic).values()) == len(values),
    )
    letters = client.messages(f"{topic}-dlq", count=len(values))
    assert {len(letter.value() or b"") for letter in letters} == {left}


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
