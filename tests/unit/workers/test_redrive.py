"""A dead letter goes back as the message it was, if it was chosen and has not gone round too often."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, Message

from eventconsumer_workers.redrive import Choice, headers_back, partition_back
from tests.support.events import encoded

OWN: list[tuple[str, str | bytes | None]] = [("ce_id", b"7"), ("empty", None), ("ce_id", b"\xff")]
WRITTEN = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def letter(value: bytes | None = None, **said: str) -> Message:
    given = {"topic": "orders", "error": "TimeoutError: mail", "partition": "2", "offset": "41", **said}
    headers = [*OWN, *[(f"dlq_{name}", text.encode()) for name, text in given.items()]]
    at = (TIMESTAMP_CREATE_TIME, int(WRITTEN.timestamp() * 1000))
    return Message("orders-dlq", 0, 5, b"k", value or encoded("task.created"), headers, None, at)


def choice(**chosen: Any) -> Choice:
    return Choice("orders", **{"max_rounds": 3, **chosen})


def test_a_letter_goes_back_with_its_own_headers_and_one_round_more() -> None:
    assert headers_back(letter()) == [*OWN, ("dlq_rounds", b"1")]
    assert headers_back(letter(rounds="1")) == [*OWN, ("dlq_rounds", b"2")]


def test_a_letter_goes_back_to_its_partition_while_that_is_there() -> None:
    assert partition_back(letter(), range(3)) == 2
    assert partition_back(letter(), range(2)) is None
    assert [partition_back(letter(partition=odd), range(3)) for odd in ("", "-1", "02", "9" * 5000)] == [
        None
    ] * 4


@pytest.mark.parametrize(
    "chosen",
    [
        {"error": "Timeout"},
        {"event_type": "task.created"},
        {"key": "k"},
        {"partition": 2, "offset": 41},
        {"since": WRITTEN},
        {"until": datetime(2026, 1, 16, tzinfo=UTC)},
    ],
)
def test_a_letter_that_was_chosen_goes_back(chosen: dict[str, Any]) -> None:
    assert choice(**chosen).left(letter()) is None


@pytest.mark.parametrize(
    "chosen",
    [
        {"error": "Refused"},
        {"event_type": "task.updated"},
        {"key": "other"},
        {"group": "audit-service"},
        {"offset": 42},
        {"until": WRITTEN},
        {"since": datetime(2026, 1, 16, tzinfo=UTC)},
    ],
)
def test_a_letter_that_was_not_chosen_stays(chosen: dict[str, Any]) -> None:
    assert choice(**chosen).left(letter()) == "not chosen"


def test_letters_are_chosen_by_the_group_that_has_set_them_aside() -> None:
    ours = letter(group="audit-service")
    assert choice(group="audit-service").left(ours) is None
    assert choice(group="notification-service").left(ours) == "not chosen"
    assert choice().left(ours) is None


def test_letters_of_another_partition_stay_when_one_is_chosen() -> None:
    assert choice(partition=1).left(letter()) == "not chosen"


def test_a_header_of_ours_without_a_value_says_nothing() -> None:
    headers: list[tuple[str, str | bytes | None]] = [("dlq_topic", b"orders"), ("dlq_error", None)]
    odd = Message("orders-dlq", 0, 5, b"k", b"{}", headers, None, (TIMESTAMP_CREATE_TIME, 0))
    assert choice().left(odd) is None
    assert choice(error="Timeout").left(odd) == "not chosen"


def test_what_cannot_go_back_stays_whatever_was_chosen() -> None:
    assert choice().left(letter(topic="invoices")) == "of another topic"
    assert choice().left(letter(sha256="abc")) == "truncated"
    assert choice().left(letter(headers_dropped_bytes="100000")) == "truncated"
    assert choice().left(letter(key_sha256="abc")) == "truncated"
    assert choice().left(letter(rounds="3")) == "sent back too often"


@pytest.mark.parametrize("odd", ["9" * 5000, "9" * 10, "-1", "", "²", "٣", "many"])
def test_a_count_of_rounds_that_is_not_ours_leaves_the_letter_where_it_is(odd: str) -> None:
    assert choice(max_rounds=10**9).left(letter(rounds=odd)) == "sent back too often"


def test_a_letter_that_is_no_event_has_no_type() -> None:
    assert choice(event_type="task.created").left(letter(b"not json")) == "not chosen"
    assert choice().left(letter(b"not json")) is None
