"""How a message that is no event is set aside: as it came, with headers that say why and from where.

Pure: the headers are built here and sent by ``broker``. The original headers come first and unchanged, so a
message can be replayed from its dead letter.
"""

from __future__ import annotations

from typing import NamedTuple

_ERROR_LENGTH = 256

Headers = list[tuple[str, str | bytes | None]]


class Origin(NamedTuple):
    """Where a message was read, and by whom."""

    topic: str
    partition: int
    offset: int
    group: str


def headers(original: Headers, *, reason: str, origin: Origin) -> Headers:
    """Return a dead letter's headers: the original ones, then ours."""
    return [
        *original,
        ("dlq_error", _printable(reason).encode()),
        ("dlq_topic", origin.topic.encode()),
        ("dlq_partition", str(origin.partition).encode()),
        ("dlq_offset", str(origin.offset).encode()),
        ("dlq_group", origin.group.encode()),
    ]


def _printable(reason: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in reason)[:_ERROR_LENGTH]
