"""How a message that cannot be worked on is set aside: as it came, with headers that say why and from where.

Pure: the letters are written here and sent by ``letterbox``. The original headers come first and unchanged,
so a message can be sent back from its dead letter (``redrive``).

The dead-letter topic may refuse what the source topic took, because its limit is lower or by the bytes of the
added headers. Then the letter holds the first bytes of the message, its length and its hash, and the headers
say where the whole still lies: a partition never stops for it.

A letter that is under way is kept as one piece of bytes (``Posting.sealed``). The many small objects of a
message, kept for a tenth of a second among those of a hundred batches that come and go, would tear the memory
of the following batches apart: one message in a hundred made reading all of them half as fast.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

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
    sink: str = ""
    """The one sink that lacks it, where the others have it."""
    number: int = 0
    """Which of a worker's letters it is, counted from 1; 0 before it is given away to be sent."""

    def posting(self, group: str) -> Posting:
        """Return what is sent: the message as it was received, with its original headers and then ours."""
        record = self.record
        origin = Origin(record.topic() or "", record.partition() or 0, record.offset() or 0, group)
        original = record.headers() or []
        sent = original if isinstance(original, list) else list(original.items())
        if self.sink:
            # Without ``PREFIX``, so that it stays when the letter is sent back.
            sent = [header for header in sent if header[0] != TO_ONE_SINK]
            sent.append((TO_ONE_SINK, f"{group}/{self.sink}".encode()))
        error = _printable(self.error)
        written = headers(sent, reason=error, origin=origin, attempts=self.attempts)
        return Posting(origin, record.key(), as_received(record).value(), written, error, self.cause)


class Posting(msgspec.Struct, array_like=True, frozen=True):
    """A letter as it is sent, which needs nothing of the batch that its message was in."""

    origin: Origin
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, Any]]
    """As ``Headers`` are: text, bytes or None, in an order."""
    error: str
    """Why, in one line of printable text."""
    cause: str
    truncated: bool = False
    """Whether the topic refused the whole."""

    def cut(self) -> Posting:
        """Return it with the first bytes only, and headers that say what the whole was."""
        whole = self.value or b""
        return Posting(
            self.origin,
            self.key,
            None if self.value is None else whole[:_TRUNCATED_BYTES],
            [
                *self.headers,
                ("dlq_truncated_from_bytes", str(len(whole)).encode()),
                ("dlq_sha256", hashlib.sha256(whole).hexdigest().encode()),
            ],
            self.error,
            self.cause,
            truncated=True,
        )

    def sealed(self) -> bytes:
        """Return it as one piece, for ``unsealed``."""
        return _seal.encode(self)


_seal = msgspec.msgpack.Encoder()
_sealed = msgspec.msgpack.Decoder(Posting)


def unsealed(sealed: bytes) -> Posting:
    """Return the posting that was sealed."""
    return _sealed.decode(sealed)


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
