"""New ids: random UUIDs, of random bytes that the system is asked for by the thousand.

Asked for each time they would cost more than the call: while one thread is in the system, another takes its
turn, in the middle of a request.
"""

from __future__ import annotations

import os
from uuid import UUID

_LENGTH = 16
_AT_ONCE = 512

_left: list[bytes] = []
# What two processes took from one supply would be the same ids.
os.register_at_fork(after_in_child=_left.clear)


def new_id() -> UUID:
    """Return a UUID that nobody can guess; threads may ask at the same time."""
    try:
        piece = _left.pop()
    except IndexError:
        block = os.urandom(_LENGTH * _AT_ONCE)
        pieces = [block[start : start + _LENGTH] for start in range(0, len(block), _LENGTH)]
        piece = pieces.pop()
        _left.extend(pieces)
    return UUID(bytes=piece, version=4)
