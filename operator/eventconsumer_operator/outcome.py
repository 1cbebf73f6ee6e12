"""How something that was to be done at Kafka went; a plain value, so that decisions can be made from it."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How an errand went the last time it was tried."""

    DONE = "done"
    NO_TOPIC = "no topic"
    NOT_EMPTY = "not empty"
    UNREACHABLE = "unreachable"
