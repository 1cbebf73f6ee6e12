"""How a message that cannot be worked on is set aside: as it came, with headers that say why and from where.

Pure: the letters are written here and sent by ``letterbox``. The original headers come first and unchanged,
so a message can be sent back from its dead letter (``redrive``).

The dead-letter topic may refuse what the source topic took, because its limit is lower or by the bytes of the
added headers. Then the letter holds the first bytes of the message, its length and its hash, and the headers
say where the whole still lies: a partition never stops for it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from eventconsumer_workers.opened import as_received

if TYPE_CHECKING:
    from eventconsumer_workers.handlers import Record

_ERROR_LENGTH = 256
_TRUNCATED_BYTES = 64 * 1024

PREFIX = "dlq_"
"""What the names of the added headers begin with."""

TO_ONE_SINK = "notification_sink"
"""The header of a message for one sink of one group only, as ``<group>/<sink>``; all others pass it by."""

MALFORMED = "malformed"
REJECTED = "rejected"
EXHAUSTED = "exhausted"

Headers = list[tuple[str, str | bytes | None]]


class Origin(NamedTuple):
    """Where a message was read, and by whom."""

    topic: str
    partition: int
    offset: int
    group: str


@dataclass(eq=False, slots=True)
class Letter:
    """A message to set aside."""

    record: Record
    error: str
    """Why, for a person."""
    cause: str = MALFORMED
    attempts: int = 0
    """How often a handler was given the event; 0 for what is no event."""
    truncated: bool = False
    """Whether the topic refused the whole."""
    sink: str = ""
    """The one sink that lacks it, where the others have it."""
    number: int = 0
    """Which of a worker's letters it is, counted from 1."""
    settled: bool = False
    """Whether the topic has it."""

    def value(self) -> bytes | None:
        """Return the bytes to send."""
        whole = as_received(self.record).value()
        return whole[:_TRUNCATED_BYTES] if self.truncated and whole is not None else whole

    def headers(self, group: str) -> Headers:
        """Return the original headers, then ours."""
        record = self.record
        origin = Origin(record.topic() or "", record.partition() or 0, record.offset() or 0, group)
        original = record.headers() or []
        sent = original if isinstance(original, list) else list(original.items())
        if self.sink:
            # Without ``PREFIX``, so that it stays when the letter is sent back.
            sent = [header for header in sent if header[0] != TO_ONE_SINK]
            sent.append((TO_ONE_SINK, f"{group}/{self.sink}".encode()))
        written = headers(sent, reason=self.error, origin=origin, attempts=self.attempts)
        if self.truncated:
            whole = as_received(record).value() or b""
            written.append(("dlq_truncated_from_bytes", str(len(whole)).encode()))
            written.append(("dlq_sha256", hashlib.sha256(whole).hexdigest().encode()))
        return written


def addressee(found: Headers | dict[str, str | bytes | None] | None) -> tuple[str, str] | None:
    """Return the group and the sink that a message is for; None for one that is for all."""
    pairs = found.items() if isinstance(found, dict) else found or []
    for name, value in pairs:
        if name == TO_ONE_SINK and value is not None:
            text = value if isinstance(value, str) else value.decode(errors="replace")
            group, _, sink = text.rpartition("/")
            return group, sink
    return None


def headers(original: Headers, *, reason: str, origin: Origin, attempts: int = 0) -> Headers:
    """Return a dead letter's headers: the original ones, then ours."""
    return [
        *original,
        ("dlq_error", _printable(reason).encode()),
        ("dlq_topic", origin.topic.encode()),
        ("dlq_partition", str(origin.partition).encode()),
        ("dlq_offset", str(origin.offset).encode()),
        ("dlq_group", origin.group.encode()),
        ("dlq_attempts", str(attempts).encode()),
    ]


def _printable(reason: str) -> str:
    cut = reason[:_ERROR_LENGTH]
    if cut.isprintable():
        return cut
    return "".join(character if character.isprintable() else "?" for character in cut)
