"""A dead letter keeps what came and says why it is one."""

from __future__ import annotations

import hashlib

import pytest
from confluent_kafka import Message

from eventconsumer_workers.dead_letters import (
    Headers,
    Letter,
    Origin,
    Posting,
    added_headers,
    addressee,
    unsealed,
)
from tests.support.records import record

ORIGIN = Origin(topic="task-events", partition=2, offset=41, group="audit-service")


def refused(message: Message, *, times: int) -> Posting:
    """Return the letter of a message after so many refusals for its size."""
    posting = Letter(message, "too deep").posting("audit-service")
    for _ in range(times):
        smaller = posting.refused()
        assert smaller is not None
        posting = smaller
    return posting


def test_the_original_headers_come_first_and_unchanged() -> None:
    original: Headers = [("ce_id", b"7"), ("ce_id", b"8"), ("empty", None), ("binary", b"\xff\x00")]
    letter = Letter(Message("task-events", 2, 41, None, b"{", headers=original), "no JSON")
    _, _, sent = letter.posting("audit-service").sent()
    assert sent == [
        *original,
        ("dlq_error", b"no JSON"),
        ("dlq_topic", b"task-events"),
        ("dlq_partition", b"2"),
        ("dlq_offset", b"41"),
        ("dlq_group", b"audit-service"),
        ("dlq_attempts", b"0"),
    ]


def test_the_reason_is_cut_and_printable() -> None:
    sent = dict(added_headers(reason="line\nbreak\x1b[31m" + "x" * 500, origin=ORIGIN))
    error = sent["dlq_error"]
    assert isinstance(error, bytes)
    assert error.startswith(b"line?break?[31mxxx")
    assert len(error) == 256


def test_a_letter_that_the_topic_refuses_for_its_size_says_what_the_whole_was() -> None:
    whole = b"x" * 1_000_000
    _, value, headers = refused(record(whole, offset=7), times=2).sent()
    sent = dict(headers)
    assert value == whole[: 64 * 1024]
    assert sent["dlq_truncated_from_bytes"] == b"1000000"
    assert sent["dlq_sha256"] == hashlib.sha256(whole).hexdigest().encode()
    assert sent["dlq_offset"] == b"7"


def test_a_letter_that_was_refused_in_a_batch_is_sent_whole() -> None:
    message = record(b"x" * 1_000_000)
    assert refused(message, times=1).sent() == Letter(message, "too deep").posting("audit-service").sent()


def test_headers_and_a_key_that_are_too_large_are_left_out_and_the_value_stays_whole() -> None:
    key = b"k" * 100_000
    own: Headers = [("own", b"x" * 65_000), ("empty", None), ("öwn", b"y" * 1000)]
    sent = refused(Message("task-events", 2, 41, key, b"not json", headers=own), times=2).sent()
    headers = dict(sent[2])
    assert sent[:2] == (None, b"not json")
    assert {"own", "dlq_sha256"}.isdisjoint(headers)
    assert (headers["dlq_headers_dropped_bytes"], headers["dlq_key_dropped_bytes"]) == (b"66018", b"100000")
    assert headers["dlq_key_sha256"] == hashlib.sha256(key).hexdigest().encode()
    assert headers["dlq_offset"] == b"41"


def test_many_headers_without_a_byte_in_them_are_large_as_well() -> None:
    message = Message("task-events", 2, 41, b"k", b"{", headers=[("", None)] * 40_000)
    _, _, headers = refused(message, times=2).sent()
    assert dict(headers)["dlq_headers_dropped_bytes"] == b"80000"


def test_a_letter_that_was_shortened_in_vain_is_small_at_last_whatever_its_message_was() -> None:
    message = Message("task-events", 2, 41, b"k" * 2000, b"v" * 60_000, headers=[("own", b"x" * 60_000)])
    posting = refused(message, times=3)
    key, value, headers = posting.sent()
    assert (key, value) == (None, b"v" * 1024)
    assert sum(len(name) + len(said or b"") for name, said in headers) < 1024
    assert posting.refused() is None


def test_a_letter_for_one_sink_says_so_once_and_is_for_that_sink_of_its_group() -> None:
    letter = Letter(record(b"{}"), "refused", sink="erp")
    _, _, sent = letter.posting("team/notification").sent()
    again = [header for header in sent if header[0] == "notification_sink"]
    assert again == [("notification_sink", b"team/notification/erp")]
    assert addressee(sent) == ("team/notification", "erp")


def test_a_letter_for_one_sink_keeps_its_headers_but_for_an_earlier_address() -> None:
    own: Headers = [("ce_id", b"7"), ("notification_sink", b"team/pager"), ("traceparent", b"00-7-7-01")]
    letter = Letter(Message("orders", 1, 41, b"k", b"{}", own), "refused", attempts=2, sink="erp")
    _, _, sent = letter.posting("team").sent()
    assert sent == [
        ("ce_id", b"7"),
        ("traceparent", b"00-7-7-01"),
        ("notification_sink", b"team/erp"),
        ("dlq_error", b"refused"),
        ("dlq_topic", b"orders"),
        ("dlq_partition", b"1"),
        ("dlq_offset", b"41"),
        ("dlq_group", b"team"),
        ("dlq_attempts", b"2"),
    ]


def test_a_message_without_that_header_is_for_all() -> None:
    assert addressee(None) is None
    assert addressee([("ce_id", b"7"), ("notification_sink", None)]) is None


@pytest.mark.parametrize("value", [None, b"", b"\xff\x00", b"x" * 2_000_000])
@pytest.mark.parametrize("error", ["no JSON", "half a character: \ud800"])
def test_a_letter_that_was_sealed_is_the_same(value: bytes | None, error: str) -> None:
    own: Headers = [("ce_id", b"7"), ("empty", None), ("binary", b"\xff\x00"), ("text", "ü")]
    posting = Letter(Message("orders", 1, 2**40, b"\xfe", value, headers=own), error).posting("audit")
    assert unsealed(posting.sealed()) == posting
    assert (posting.key, posting.value, posting.original) == (b"\xfe", value, own)
