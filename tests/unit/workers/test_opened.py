"""A message that was in Avro is JSON to those who work on it, and its own bytes in a dead letter."""

from __future__ import annotations

from eventconsumer_workers.dead_letters import Letter
from eventconsumer_workers.envelope import TaskEvent
from eventconsumer_workers.opened import Opened, Unreadable, is_framed
from eventconsumer_workers.sorting import sort
from tests.support.events import encoded
from tests.support.records import record

FRAMED = b"\x00\x00\x00\x00\x01Avro"


def test_an_opened_message_is_worked_on_as_json_and_stays_where_it_was() -> None:
    received = record(FRAMED, partition=2, offset=41, key=b"task")
    opened = Opened(received, encoded())
    events, records = sort([opened], frozenset()).wanted()
    assert [type(event) for event in events] == [TaskEvent]
    assert (records[0].partition(), records[0].offset(), records[0].key()) == (2, 41, b"task")
    assert (opened.topic(), opened.headers(), opened.leader_epoch()) == (
        "orders",
        None,
        received.leader_epoch(),
    )
    assert opened.timestamp() == received.timestamp()


def test_a_dead_letter_of_an_opened_message_is_the_message_as_it_came() -> None:
    assert Letter(Opened(record(FRAMED), encoded()), "it failed").posting("audit").value == FRAMED


def test_what_cannot_be_read_is_a_dead_letter_with_its_reason_among_events_that_go_on() -> None:
    unreadable = Unreadable(record(FRAMED, offset=1), "the schema registry knows no schema 1")
    found = sort([record(encoded()), unreadable, record(encoded(), offset=2)], frozenset())
    (posting,) = (letter.posting("audit") for letter in found.letters())
    assert (posting.error, posting.value) == ("the schema registry knows no schema 1", FRAMED)
    assert len(found.wanted()[0]) == 2


def test_only_the_first_byte_says_what_is_avro() -> None:
    assert [is_framed(value) for value in (FRAMED, encoded(), b"", None)] == [True, False, False, False]
