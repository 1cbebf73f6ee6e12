"""Places in a list as clients see them: a word to give back, not to read.

Pure. Every text of the form in `PATTERN` is a place, so a cursor can be wrong by its form only.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode

PATTERN = "^[A-Za-z0-9_-]{11}$"

_PLACE = struct.Struct(">q")


def cursor(place: int) -> str:
    """Return the word for a place."""
    return urlsafe_b64encode(_PLACE.pack(place)).decode().rstrip("=")


def place_of(word: str) -> int:
    """Return the place that a word of the right form stands for."""
    (place,) = _PLACE.unpack(urlsafe_b64decode(f"{word}="))
    return int(place)
