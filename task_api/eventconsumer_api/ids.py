"""New ids: UUIDs of random bytes that the system is asked for by the thousand.

Asked for each time they would cost more than the call: while one thread is in the system, another takes its
turn, in the middle of a request.
"""

from __future__ import annotations

import os
import time
from uuid import UUID

_LENGTH = 16
_AT_ONCE = 512
# A UUID of version 7 by RFC 9562: milliseconds in the first 48 bits, then marks and 74 random bits.
_MILLISECONDS_AT = 80
_MARKS = 0x7000_8000_0000_0000_0000
_RANDOM = 0x0FFF_3FFF_FFFF_FFFF_FFFF

_left: list[bytes] = []
# What two processes took from one supply would be the same ids.
os.register_at_fork(after_in_child=_left.clear)


def new_id() -> UUID:
    """Return a UUID that nobody can guess; threads may ask at the same time."""
    return UUID(bytes=_piece(), version=4)


def new_ordered_id() -> UUID:
    """Return a UUID that nobody can guess, and that follows those of earlier milliseconds.

    It is for what is stored: new rows are neighbours in an index, so a commit of many writes a page or two of
    it. Random ones lie each on a page of its own.
    """
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(_piece(), "big") & _RANDOM
    return UUID(int=milliseconds << _MILLISECONDS_AT | _MARKS | random)


def _piece() -> bytes:
    try:
        return _left.pop()
    except IndexError:
        block = os.urandom(_LENGTH * _AT_ONCE)
        pieces = [block[start : start + _LENGTH] for start in range(0, len(block), _LENGTH)]
        piece = pieces.pop()
        _left.extend(pieces)
        return piece
