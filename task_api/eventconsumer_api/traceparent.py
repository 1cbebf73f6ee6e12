"""The trace that a request belongs to, as W3C's `traceparent` writes it.

A value that breaks the form would break the trace of everybody behind us, so it is ignored, as W3C asks.
Like the current span of OpenTelemetry, the trace is a part of the context that a request runs in: whoever
writes its event finds it there, and nothing in between passes it on.
"""

from __future__ import annotations

import re
from contextvars import ContextVar

# Version 00 has these four fields and nothing behind them; a later version may add fields after a dash.
_FORM = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-[!-~]*)?"
)
_LONGEST = 128
_SAMPLED = 1

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def valid_traceparent(text: str | None) -> str | None:
    """Return a caller's `traceparent` in version 00, the one we know; None if it has not the form of one."""
    if text is None or len(text) > _LONGEST:
        return None
    found = _FORM.fullmatch(text)
    if found is None or (found["version"] == "00" and found["more"] is not None):
        return None
    # Of a later version we know that these fields mean the same, and of its flags only the first.
    flags = found["flags"] if found["version"] == "00" else f"{int(found['flags'], 16) & _SAMPLED:02x}"
    return f"00-{found['trace']}-{found['span']}-{flags}"


def current_traceparent() -> str | None:
    """Return the trace of the request that is being handled, if it has one."""
    return _current.get()


def set_current_traceparent(traceparent: str | None) -> None:
    """Say to which trace belongs what is done from here on in this context."""
    _current.set(traceparent)
