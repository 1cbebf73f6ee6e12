"""What a line of the audit log is, and how lines hang together. Pure.

Each line is JSON and ends with its own hash. The byte rule: **hash = SHA-256 of all bytes of the line before
the hash's 64 hex digits**, so of the line without its last 67 bytes (64 digits, ``"}``, line feed). No
canonical form of JSON is needed to verify a line, only the bytes as they are stored.

There are two kinds. An *entry* is one event; the event's bytes are those of the message, but for line breaks
between its tokens. It carries the hash of the entry before it in the same partition, and so the entries of a
partition are a chain. A *checkpoint* ends each group of entries that was written at once: it names the end of
each chain that moved (a ``full`` one: of all chains) and carries the hash of the checkpoint before it, and so
nothing can be taken out between two groups either. The first line of a segment is a full checkpoint.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eventconsumer_workers.envelope import Event

START = b"0" * 64
"""What stands for the hash before the first of a chain."""

SEAL_LENGTH = 67
_SEAL_END = b'"}\n'
_ID = b'{"event_id":"'
_SEQUENCE = b'","sequence":'
_PREVIOUS = b',"previous_hash":"'
_HASH = b'","hash":"'
_CHECKPOINT = b'{"checkpoint":'
CHECKPOINT_LINE = b"\n" + _CHECKPOINT
"""The bytes at which a checkpoint begins, wherever it is not the first line."""


class Fault(ValueError):  # noqa: N818  # a finding about the log, not a mistake of the program
    """A line is not what its writer wrote; the text says how this shows."""


class Fenced(Exception):  # noqa: N818  # what became of a claim
    """Another worker has claimed a partition after us."""


class Unsure(Exception):  # noqa: N818  # as above
    """Another worker may have the partitions by now, so what waits was not written."""


class Incoming(NamedTuple):
    """Events of one partition on their way into the log, as columns: an object for each would cost more."""

    partition: int
    offsets: list[int]
    """They rise."""
    ids: list[str]
    values: list[bytes]
    """The messages' bytes, a JSON object in UTF-8 each."""
    events: list[Event]
    """The same, as far as they are decoded."""

    def only(self, places: Iterable[int]) -> Incoming:
        """Return the events at these places."""
        chosen = list(places)
        return Incoming(
            self.partition,
            [self.offsets[place] for place in chosen],
            [self.ids[place] for place in chosen],
            [self.values[place] for place in chosen],
            [self.events[place] for place in chosen],
        )

    def add(self, later: Incoming) -> None:
        """Add later events of the same partition."""
        self.offsets.extend(later.offsets)
        self.ids.extend(later.ids)
        self.values.extend(later.values)
        self.events.extend(later.events)


def _nothing() -> None:
    """Wait for nothing."""


def _at_once() -> bool:
    return True


class Begun(NamedTuple):
    """Events on their way to where the log is kept, or there already."""

    new: Sequence[Incoming]
    """Those that the log lacked, by their partitions."""
    settle: Callable[[], None] = _nothing
    """Waits until they are there; raises ``OSError`` or ``Unsure`` where they can't be."""
    ended: Callable[[], bool] = _at_once
    """Whether ``settle`` has nothing to wait for."""


class Head(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The end of one partition's chain: where its next entry goes on."""

    topic: str
    partition: int
    sequence: int = 0
    """Of the last entry; the first is 1."""
    next_offset: int = 0
    """All messages before it are settled: in the log, or found to be there already."""
    hash: str = START.decode()
    topic_id: str | None = None
    """Kafka's id of the topic, which tells it from a later topic of the same name."""


class TakenOver(msgspec.Struct, frozen=True, gc=False):
    """A log of the format without chains, which this log goes on from."""

    segment: int
    bytes: int
    sha256: str


class Removed(msgspec.Struct, frozen=True, gc=False):
    """The beginning of a log, which retention let go of."""

    segment: int
    """The last one that goes."""
    hash: str
    """Of its last checkpoint, which the first line of the next segment carries."""
    before: str
    """All that goes was closed before this time."""


class Checkpoint(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The ends of the chains after a group of entries."""

    checkpoint: list[Head]
    written_at: str
    full: bool = False
    segment: int | None = None
    """The number of the segment that begins here."""
    taken_over: TakenOver | None = None
    removed: Removed | None = None
    previous_hash: str = ""
    hash: str = ""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One event in the log, as far as readers of the log need it decoded."""

    event_id: str
    sequence: int
    topic: str
    partition: int
    offset: int
    audited_at: str
    event: msgspec.Raw
    previous_hash: str
    hash: str


class _IdOnly(msgspec.Struct, gc=False):
    event_id: str


_id = msgspec.json.Decoder(_IdOnly)
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoder raises for bytes that are not what it expects."""
_entry = msgspec.json.Decoder(Entry)
_checkpoint = msgspec.json.Decoder(Checkpoint)
_encode = msgspec.json.Encoder().encode


def now() -> str:
    """Return the time as entries and checkpoints give it."""
    return datetime.now(UTC).isoformat()


def chain_name(topic: str, partition: int) -> str:
    """Return how people are told of a partition's chain."""
    return f"{topic}[{partition}]"


class Extension(NamedTuple):
    """What events add to a chain."""

    lines: bytes
    ids: bytes
    """The events' ids, as an array of JSON."""
    head: Head
    """The chain's new end."""


def extend(head: Head, incoming: Incoming, *, audited_at: str) -> Extension:
    """Return what these events add to the chain that ends there."""
    ids = encoded(incoming.ids)
    if not incoming.ids:
        return Extension(b"", ids, head)
    join, sha256, previous = b"".join, hashlib.sha256, head.hash.encode()
    sequences = range(head.sequence + 1, head.sequence + 1 + len(incoming.ids))
    of_chain = b',"topic":%b,"partition":%d,"offset":' % (_encode(head.topic), head.partition)
    at = b',"audited_at":"%b","event":' % audited_at.encode()
    places = (_digits(sequences), _digits(incoming.offsets))
    pieces: list[bytes] = []
    names = _names(ids, incoming.ids)
    for name, sequence, offset, value in zip(names, *places, _one_line(incoming.values), strict=True):
        body = join((_ID, name, _SEQUENCE, sequence, of_chain, offset, at, value, _PREVIOUS, previous, _HASH))
        previous = sha256(body).hexdigest().encode()
        pieces += (body, previous, _SEAL_END)
    moved = {"sequence": sequences[-1], "next_offset": incoming.offsets[-1] + 1, "hash": previous.decode()}
    return Extension(join(pieces), ids, msgspec.structs.replace(head, **moved))


def encoded(ids: Sequence[str]) -> bytes:
    """Return ids as an array of JSON."""
    return _encode(ids)


def _names(array: bytes, ids: Sequence[str]) -> list[bytes]:
    """Return ids as they stand between their quotes in an array of JSON."""
    if b'\\"' in array:
        # An id with a quote and a comma at its end looks like the end of one id and the begin of another.
        return [_encode(name)[1:-1] for name in ids]
    return array[2:-2].split(b'","')


def _digits(numbers: Sequence[int]) -> list[bytes]:
    """Return numbers as JSON writes them."""
    return _encode(list(numbers))[1:-1].split(b",")


def _one_line(values: list[bytes]) -> list[bytes]:
    """Return the events' bytes, each on one line: in JSON a bare line break is only space."""
    everything = b"".join(values)
    if b"\n" in everything or b"\r" in everything:
        return [value.translate(None, b"\r\n") for value in values]
    return values


def seal(checkpoint: Checkpoint) -> tuple[bytes, str]:
    """Return a checkpoint's line, and its hash."""
    fields = _encode(msgspec.structs.replace(checkpoint, previous_hash="", hash=""))
    body = fields[:-1] + f',"previous_hash":"{checkpoint.previous_hash}","hash":"'.encode()
    found = hash_of(body)
    return body + found.encode() + _SEAL_END, found


def hash_of(body: bytes) -> str:
    """Return the hash of a line's bytes before its hash."""
    return hashlib.sha256(body).hexdigest()


def is_checkpoint(line: bytes) -> bool:
    """Tell whether a line begins as a checkpoint does."""
    return line.startswith(_CHECKPOINT)


def is_plain(line: bytes) -> bool:
    """Tell whether a line is the entry of a log of the format without chains."""
    return line.startswith(b'{"event_id":') and not line[:-SEAL_LENGTH].endswith(b'"hash":"')


def id_of(line: bytes) -> str:
    """Return the event id of an entry; raise ``Fault`` where there is none to read."""
    try:
        return _id.decode(line).event_id
    except UNREADABLE as fault:
        raise Fault(f"the line has no event id: {fault}") from fault


def opened(line: bytes) -> Entry | Checkpoint:
    """Return what a line says; raise ``Fault`` when its bytes are not those that were written."""
    check(line)
    return decoded(line)


def check(line: bytes) -> None:
    """Raise ``Fault`` when a line's bytes are not those that were written."""
    if not line.endswith(_SEAL_END) or len(line) < SEAL_LENGTH:
        raise Fault("the line has no end")
    if hash_of(line[:-SEAL_LENGTH]).encode() != line[-SEAL_LENGTH:-3]:
        raise Fault("the line's bytes do not have the hash that it carries")


def decoded(line: bytes) -> Entry | Checkpoint:
    """Return what a line says, whether or not it has its hash; raise ``Fault`` when it is of neither kind."""
    try:
        return _checkpoint.decode(line) if is_checkpoint(line) else _entry.decode(line)
    except UNREADABLE as fault:
        raise Fault(f"the line is neither an entry nor a checkpoint: {fault}") from fault
