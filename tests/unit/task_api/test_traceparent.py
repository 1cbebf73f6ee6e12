"""A caller's trace is carried on only in the form that everybody behind us can read."""

from __future__ import annotations

import pytest

from eventconsumer_api.traceparent import valid_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.mark.parametrize("flags", ["00", "01", "03"])
def test_a_valid_trace_is_carried_on_as_it_is(flags: str) -> None:
    sent = f"00-{TRACE}-{SPAN}-{flags}"
    assert valid_traceparent(sent) == sent


def test_a_trace_of_a_later_version_is_carried_on_in_the_version_we_know() -> None:
    assert valid_traceparent(f"01-{TRACE}-{SPAN}-83-more") == f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("my trace", id="no trace"),
        pytest.param(f"00-{'0' * 32}-{SPAN}-01", id="trace id of zeros"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", id="span id of zeros"),
        pytest.param(f"ff-{TRACE}-{SPAN}-01", id="the forbidden version"),
        pytest.param(f"00-{TRACE.upper()}-{SPAN}-01", id="upper case"),
        pytest.param(f"00-{TRACE}-{SPAN}-01-more", id="version 00 with another field"),
        pytest.param(f"00-{TRACE}-{SPAN}-01\n", id="a line break behind it"),
        pytest.param(f"01-{TRACE}-{SPAN}-01-{'x' * 200}", id="longer than any trace"),
    ],
)
def test_an_invalid_trace_is_ignored(sent: str | None) -> None:
    assert valid_traceparent(sent) is None
