"""How a message that cannot be worked on is set aside: as it came, with headers that say why and from where.

Pure: the letters are written here and sent by ``letterbox``. The original headers come first and unchanged,
so a message can be sent back from its dead letter (``redrive``).

The dead-letter topic may refuse what the source topic took, because its limit is lower or by the bytes of the
added headers. Its limit is for what is sent together, so the letter is then sent alone. Refused again, it has
the first bytes of the message and no headers or key that are larger, and the added headers say what the whole
was and where it still lies: a partition never stops for it, as long as the topic takes 5 KB.

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
from eventconsumer_workers.record_headers import header_bytes, header_list

if TYPE_CHECKING:
    from eventconsumer_workers.handlers import Record

_ERROR_LENGTH = 256
# The most of a value, of all headers and of a key that is sent after so many refusals: at first the whole.
_MOST_BYTES = (None, None, 64 * 1024, 1024)

PREFIX = "dlq_"
"""What the names of the added headers begin with."""

TO_ONE_SINK = "notification_sink"
"""The header of a message for one sink of one group only, as ``<group>/<sink>``; all others pass it by."""

SHORTENED = frozenset({"dlq_sha256", "dlq_headers_dropped_bytes", "dlq_key_sha256"})
"""The headers of which a letter has one when it is less than its message was."""

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
        original = header_list(record)
        error = _printable(self.error)
        added = added_headers(reason=error, origin=origin, attempts=self.attempts)
        if self.sink:
            # Without ``PREFIX``, so that it stays when the letter is sent back.
            original = [header for header in original if header[0] != TO_ONE_SINK]
            added.insert(0, (TO_ONE_SINK, f"{group}/{self.sink}".encode()))
        return Posting(origin, record.key(), as_received(record).value(), original, added, error, self.cause)


class Posting(msgspec.Struct, array_like=True, frozen=True):
    """A letter as it is sent, which needs nothing of the batch that its message was in."""

    origin: Origin
    key: bytes | None
    value: bytes | None
    original: list[tuple[str, Any]]
    """The message's own headers, as ``Headers`` are: text, bytes or None, in an order."""
    added: list[tuple[str, Any]]
    """Ours."""
    error: str
    """Why, in one line of printable text."""
    cause: str
    refusals: int = 0
    """How often the topic refused it for its size; after the first time it is sent in no batch."""

    def refused(self) -> Posting | None:
        """Return it as it is after one refusal more, or None where it can't be shortened any further."""
        if self.refusals + 1 == len(_MOST_BYTES):
            return None
        return msgspec.structs.replace(self, refusals=self.refusals + 1)

    def sent(self) -> tuple[bytes | None, bytes | None, Headers]:
        """Return the key, the value and the headers that are sent after so many refusals."""
        most = _MOST_BYTES[self.refusals]
        key, value, original = self.key, self.value, self.original
        said: Headers = []
        if most is not None and value is not None and len(value) > most:
            said += [("dlq_truncated_from_bytes", _number(len(value))), ("dlq_sha256", _hash(value))]
            value = value[:most]
        if most is not None and (size := header_bytes(original)) > most:
            said.append(("dlq_headers_dropped_bytes", _number(size)))
            original = []
        if most is not None and key is not None and len(key) > most:
            said += [("dlq_key_dropped_bytes", _number(len(key))), ("dlq_key_sha256", _hash(key))]
            key = None
        return key, value, [*original, *self.added, *said]

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


def added_headers(*, reason: str, origin: Origin, attempts: int = 0) -> Headers:
    """Return the headers that say why a message is a dead letter, and from where."""
    return [
        ("dlq_error", _printable(reason).encode()),
        ("dlq_topic", origin.topic.encode()),
        ("dlq_partition", str(origin.partition).encode()),
        ("dlq_offset", str(origin.offset).encode()),
        ("dlq_group", origin.group.encode()),
        ("dlq_attempts", str(attempts).encode()),
    ]


def _number(number: int) -> bytes:
    return str(number).encode()


def _hash(whole: bytes) -> bytes:
    return hashlib.sha256(whole).hexdigest().encode()


def _printable(reason: str) -> str:
    cut = reason[:_ERROR_LENGTH]
    if cut.isprintable():
        return cut
    return "".join(character if character.isprintable() else "?" for character in cut)
