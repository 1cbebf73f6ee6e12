"""The trace that a request belongs to, as W3C's `traceparent` writes it.

Pure. What a caller sent is carried on as it is or not at all: a value that breaks the form would break the
trace of everybody behind us, so it is ignored, as the recommendation asks.
"""

from __future__ import annotations

import re

# Version 00 has these four fields and nothing behind them; a later version may add fields after a dash.
_FORM = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?")
_LONGEST = 128


def valid_traceparent(text: str | None) -> str | None:
    """Return a caller's `traceparent` if it has the form W3C gives it, else None."""
    if text is None or len(text) > _LONGEST:
        return None
    found = _FORM.fullmatch(text)
    if found is None or (found[1] == "00" and found[2] is not None):
        return None
    return text
