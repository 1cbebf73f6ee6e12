"""Log records as JSON are one object a line, with the ids of the event they belong to."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from eventconsumer_workers import logs

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logs.handler(logs.Format.JSON, stream)
    logger = logging.getLogger("team")
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_object_with_time_and_level(written: io.StringIO) -> None:
    logging.getLogger("team").warning("It is %s\nin two lines", "said")
    [line] = lines(written)
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "team", "It is said\nin two lines")
    assert line["time"].endswith("+00:00")


def test_what_is_logged_about_an_event_carries_its_ids(written: io.StringIO) -> None:
    with logs.about({"event_id": "e1", "correlation_id": "c1"}):
        logging.getLogger("team").info("inside", extra={"partition": 2, "offset": 41})
    logging.getLogger("team").info("outside")
    inside, outside = lines(written)
    assert (inside["event_id"], inside["correlation_id"]) == ("e1", "c1")
    assert (inside["partition"], inside["offset"]) == (2, 41)
    assert "event_id" not in outside


def test_an_exception_is_in_the_same_line(written: io.StringIO) -> None:
    try:
        int("no such thing")
    except ValueError:
        logging.getLogger("team").exception("failed")
    [line] = lines(written)
    assert "ValueError: invalid literal" in line["exception"]


def test_text_stays_as_it_was() -> None:
    record = logging.LogRecord("team", logging.INFO, "", 1, "said", None, None)
    assert logs.handler(logs.Format.TEXT, io.StringIO()).format(record) == "INFO:team:said"
