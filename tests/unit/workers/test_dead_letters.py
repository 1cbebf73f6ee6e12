"""A dead letter keeps what came and says why it is one."""

from __future__ import annotations

import hashlib

import pytest
from confluent_kafka import Message

from eventconsumer_workers.dead_letters import Headers, Letter, Origin, addressee, headers, unsealed
from tests.support.records import record

ORIGIN = Origin(topic="task-events", partition=2, offset=41, group="audit-service")


def test_the_original_headers_come_first_and_unchanged() -> None:
    original: Headers = [("ce_id", b"7"), ("ce_id", b"8"), ("empty", None), ("binary", b"\xff\x00")]
    assert headers(original, reason="no JSON", origin=ORIGIN) == [
        *original,
        ("dlq_error", b"no JSON"),
        ("dlq_topic", b"task-events"),
        ("dlq_partition", b"2"),
        ("dlq_offset", b"41"),
        ("dlq_group", b"audit-service"),
        ("dlq_attempts", b"0"),
    ]


def test_the_reason_is_cut_and_printable() -> None:
    sent = dict(headers([], reason="line\nbreak\x1b[31m" + "x" * 500, origin=ORIGIN))
    error = sent["dlq_error"]
    assert isinstance(error, bytes)
    assert error.startswith(b"line?break?[31mxxx")
    assert len(error) == 256


def test_a_letter_that_the_topic_refuses_for_its_size_says_what_the_whole_was() -> None:
    whole = b"x" * 1_000_000
    posting = Letter(record(whole, offset=7), "too deep").posting("audit-service").cut()
    sent = dict(posting.headers)
    assert (posting.value, posting.truncated) == (whole[: 64 * 1024], True)
    assert sent["dlq_truncated_from_bytes"] == b"1000000"
    assert sent["dlq_sha256"] == hashlib.sha256(whole).hexdigest().encode()
    assert sent["dlq_offset"] == b"7"


def test_a_letter_for_one_sink_says_so_once_and_is_for_that_sink_of_its_group() -> None:
    letter = Letter(record(b"{}"), "refused", sink="erp")
    sent = letter.posting("team/notification").headers
    again = [header for header in sent if header[0] == "notification_sink"]
    assert again == [("notification_sink", b"team/notification/erp")]
    assert addressee(sent) == ("team/notification", "erp")


def test_a_message_without_that_header_is_for_all() -> None:
    assert addressee(None) is None
    assert addressee([("ce_id", b"7"), ("notification_sink", None)]) is None


@pytest.mark.parametrize("value", [None, b"", b"\xff\x00", b"x" * 2_000_000])
@pytest.mark.parametrize("error", ["no JSON", "half a character: \ud800"])
def test_a_letter_that_was_sealed_is_the_same(value: bytes | None, error: str) -> None:
    own: Headers = [("ce_id", b"7"), ("empty", None), ("binary", b"\xff\x00"), ("text", "ü")]
    posting = Letter(Message("orders", 1, 2**40, b"\xfe", value, headers=own), error).posting("audit")
    assert unsealed(posting.sealed()) == posting
    assert (posting.key, posting.value, posting.headers[:4]) == (b"\xfe", value, own)
