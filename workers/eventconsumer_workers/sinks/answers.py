"""What a receiver's HTTP status means for the event and for the receiver. Pure.

The split that matters: a fault of the event (nothing will make the receiver take it) is ``Refused``; a fault
of the receiver, or of how we reach it (a revoked token, a moved URL), is ``Unavailable``, since it would hit
every event alike and goes away when somebody mends it.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from eventconsumer_workers.loglines import printable
from eventconsumer_workers.sinks import Busy, Refused, Unavailable

if TYPE_CHECKING:
    from datetime import datetime

_FAULTS_OF_THE_EVENT = frozenset({HTTPStatus.BAD_REQUEST, 413, 415, 422})
_ASKS_TO_WAIT = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_WORDS = 200
_UNASKED_PAUSE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 300.0


def judge(status: int, *, words: str, retry_after: str | None, now: datetime) -> None:
    """Return for a success; raise ``Refused``, ``Busy`` or ``Unavailable`` for anything else."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    said = f"answered {status} {printable(words.strip())[:_WORDS]}".rstrip()
    if status in _FAULTS_OF_THE_EVENT:
        raise Refused(said)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise Unavailable(f"answered {status}: redirects are not followed")
    wait = _seconds(retry_after, now)
    if status in _ASKS_TO_WAIT and (wait is not None or status == HTTPStatus.TOO_MANY_REQUESTS):
        raise Busy(said, _UNASKED_PAUSE_SECONDS if wait is None else wait)
    raise Unavailable(said)


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    if retry_after is None:
        return None
    try:
        seconds = (
            float(retry_after)
            if retry_after.strip().isdecimal()
            else (parsedate_to_datetime(retry_after) - now).total_seconds()
        )
    except (TypeError, ValueError):
        return None
    return min(max(seconds, 0.0), _LONGEST_PAUSE_SECONDS)
