"""A dead letter keeps what came and says why it is one."""

from __future__ import annotations

from eventconsumer_workers.dead_letters import Headers, Origin, headers

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
    ]


def test_the_reason_is_cut_and_printable() -> None:
    sent = dict(headers([], reason="line\nbreak\x1b[31m" + "x" * 500, origin=ORIGIN))
    error = sent["dlq_error"]
    assert isinstance(error, bytes)
    assert error.startswith(b"line?break?[31mxxx")
    assert len(error) == 256
