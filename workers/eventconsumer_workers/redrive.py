"""Which dead letters go back to their topic, and as what. Pure.

A letter goes back as the message it was, to where it was: its bytes, its key, its own headers, its partition,
so that all messages of a key stay in one. One header more counts how often it was sent back, so that what
fails for good does not go round for ever.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventconsumer_workers.dead_letters import PREFIX, SHORTENED, Headers
from eventconsumer_workers.envelope import Rejected, read
from eventconsumer_workers.record_headers import header_list

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from eventconsumer_workers.handlers import Record

ROUNDS = "dlq_rounds"
"""The header that counts how often a message was sent back."""

_COUNT = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters to send back; None chooses all."""

    topic: str
    max_rounds: int
    error: str | None = None
    event_type: str | None = None
    key: str | None = None
    group: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    partition: int | None = None
    offset: int | None = None

    def left(self, letter: Record) -> str | None:
        """Return why a letter stays where it is, or None when it goes back."""
        said = told(letter)
        if said.get("dlq_topic") != self.topic:
            return "of another topic"
        if not SHORTENED.isdisjoint(said):
            return "truncated"
        if rounds(said) >= self.max_rounds:
            return "sent back too often"
        return None if self._chosen(letter, said) else "not chosen"

    def _chosen(self, letter: Record, said: dict[str, str]) -> bool:
        at = letter.timestamp()[1] / 1000
        return (
            (self.error is None or self.error in said.get("dlq_error", ""))
            and (self.group is None or self.group == said.get("dlq_group"))
            and (self.partition is None or str(self.partition) == said.get("dlq_partition"))
            and (self.offset is None or str(self.offset) == said.get("dlq_offset"))
            and (self.key is None or self.key.encode() == letter.key())
            and (self.since is None or self.since.timestamp() <= at)
            and (self.until is None or at < self.until.timestamp())
            and (self.event_type is None or self.event_type == _type_of(letter))
        )


def told(letter: Record) -> dict[str, str]:
    """Return what a letter's own headers say; of a name that came twice, the later."""
    return {
        name: value if isinstance(value, str) else value.decode(errors="replace")
        for name, value in header_list(letter)
        if name.startswith(PREFIX) and value is not None
    }


def rounds(said: dict[str, str]) -> int:
    """Return how often a letter was sent back; what is no such number, and not ours, stands for too often."""
    count = said.get(ROUNDS, "0")
    return int(count) if _COUNT.fullmatch(count) else sys.maxsize


def headers_back(letter: Record) -> Headers:
    """Return the headers a letter goes back with: its message's own, and one round more."""
    own = [(name, value) for name, value in header_list(letter) if not name.startswith(PREFIX)]
    return [*own, (ROUNDS, str(rounds(told(letter)) + 1).encode())]


def partition_back(letter: Record, there: Collection[int]) -> int | None:
    """Return the partition a letter's message came from, or None where that is not among those there are."""
    named = told(letter).get("dlq_partition")
    return next((number for number in there if str(number) == named), None)


def _type_of(letter: Record) -> str | None:
    try:
        event = read(letter.value(), ())
    except Rejected:
        # Avro can't be read here, and a header says it too.
        said = dict(header_list(letter)).get("ce_type")
        return said.decode(errors="replace") if isinstance(said, bytes) else said
    return event.event_type if event is not None else None
