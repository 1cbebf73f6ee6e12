"""What an HTTP status says of the event and of the receiver."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from eventconsumer_workers.sinks import Busy, Refused, Unavailable
from eventconsumer_workers.sinks.answers import judge

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def judged(status: int, *, words: str = "", retry_after: str | None = None) -> None:
    judge(status, words=words, retry_after=retry_after, now=NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_success_is_a_success(status: int) -> None:
    judged(status)


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_fault_of_the_event_is_for_good(status: int) -> None:
    with pytest.raises(Refused, match=f"answered {status} invalid_payload"):
        judged(status, words="invalid_payload\n")


@pytest.mark.parametrize("status", [401, 403, 404, 405, 408, 410, 425, 500, 502, 503, 504])
def test_a_fault_of_the_receiver_or_of_our_address_passes(status: int) -> None:
    with pytest.raises(Unavailable, match=str(status)) as outcome:
        judged(status)
    assert not isinstance(outcome.value, Busy)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with pytest.raises(Unavailable, match="redirects are not followed"):
        judged(status)


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [
        (429, "7", 7.0),
        (429, None, 5.0),
        (429, "soon", 5.0),
        (429, "-3", 5.0),
        (429, "99999999", 300.0),
        (429, "Thu, 15 Jan 2026 10:31:00 GMT", 60.0),
        (429, "Thu, 15 Jan 2026 10:29:00 GMT", 0.0),
        (429, "Thu, 15 Jan 2026 10:31:00", 5.0),
        (503, "30", 30.0),
    ],
)
def test_a_receiver_that_asks_to_wait_is_waited_for(
    status: int, retry_after: str | None, seconds: float
) -> None:
    with pytest.raises(Busy) as outcome:
        judged(status, retry_after=retry_after)
    assert outcome.value.seconds == seconds


def test_the_words_of_an_answer_are_shortened_and_made_printable() -> None:
    with pytest.raises(Refused) as outcome:
        judged(400, words="\x1b[2J" + "x" * 1000)
    assert str(outcome.value).isprintable()
    assert len(str(outcome.value)) < 250
