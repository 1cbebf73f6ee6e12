"""What a worker remembers of a schema registry, and how long it lets it keep the loop from turning."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import fastavro
import pytest

from eventconsumer_workers import registry
from eventconsumer_workers.config import Kind, Settings
from eventconsumer_workers.opened import Unreadable
from eventconsumer_workers.registry import Registry
from tests.support.receiver import Receiver
from tests.support.records import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from confluent_kafka import Message

    from eventconsumer_workers.handlers import Record

UNKNOWN = (404, {"Content-Type": "application/json"}, b'{"error_code":40403,"message":"Schema not found"}')
NO_SCHEMA = (200, {"Content-Type": "application/json"}, json.dumps({"schema": "{"}).encode())


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver() as found:
        found.answer = lambda _: UNKNOWN
        yield found


@pytest.fixture
def opener(server: Receiver) -> Iterator[Registry]:
    address = f"http://127.0.0.1:{server.port}"
    found = Registry(Settings(kind=Kind.NOTIFICATION, schema_registry_url=address))
    with found._client:
        yield found


def in_avro(number: int) -> Message:
    body = io.BytesIO()
    fastavro.schemaless_writer(body, "string", "an event")
    return record(b"\x00" + number.to_bytes(4, "big") + body.getvalue())


def reasons(records: Sequence[Record]) -> list[str]:
    return [one.reason for one in records if isinstance(one, Unreadable)]


def test_a_schema_that_the_registry_does_not_know_is_asked_for_once_for_many_messages(
    server: Receiver, opener: Registry
) -> None:
    told = [reasons(opener.opened([in_avro(7)] * 50)) for _ in range(2)]
    assert told == [["the schema registry knows no schema 7"] * 50] * 2
    assert len(server.requests) == 1


def test_what_is_no_schema_is_said_of_each_message_and_asked_for_once(
    server: Receiver, opener: Registry
) -> None:
    server.answer = lambda _: NO_SCHEMA
    found = reasons(opener.opened([in_avro(7)] * 50))
    assert (len(found), len(server.requests)) == (50, 1)
    assert found[0].startswith("schema 7 can't be parsed: ")


def test_a_schema_that_was_unknown_is_asked_for_again_after_a_while(
    server: Receiver, opener: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_REFUSED_SECONDS", 0.0)
    assert len(reasons(opener.opened([in_avro(7)]))) == 1
    server.answer = lambda _: (200, UNKNOWN[1], json.dumps({"schema": '"string"'}).encode())
    (found,) = opener.opened([in_avro(7)])
    assert found.value() == b'"an event"'


def test_a_slow_registry_gets_a_batch_opened_piece_by_piece(
    server: Receiver, opener: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_OPENING_SECONDS", 0.0)
    assert reasons(opener.opened([in_avro(7), in_avro(8)])) == ["the schema registry knows no schema 7"]
    assert len(server.requests) == 1
