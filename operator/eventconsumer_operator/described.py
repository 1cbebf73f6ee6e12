"""What Kafka's description of a consumer group says. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eventconsumer_operator.membership import Member


@dataclass(frozen=True)
class Group:
    """What a consumer group is doing."""

    state: str
    members: tuple[Member, ...]
    renewed_by_commit: bool = False
    """Whether its offsets are kept from their last commit on, and not since the last member left."""


def described(answer: Any, *, visitor: str) -> Group:
    """Return what the client's answer says; a ``visitor``, named by its client id, is nobody's consumer."""
    members = tuple(sorted(_member(entry) for entry in answer.members if entry.client_id != visitor))
    # Whatever it goes through for a visitor's sake, a group that has nobody else is as good as empty.
    state = "Empty" if answer.members and not members else _words(answer.state.name)
    by_commit = answer.is_simple_consumer_group or answer.type.name == "CONSUMER"
    return Group(state, members, renewed_by_commit=by_commit)


def _words(state: str) -> str:
    """Return a state as Kafka's own tools write it."""
    words = state.replace("PREPARING_REBALANCING", "PREPARING_REBALANCE").split("_")
    return "".join(word.capitalize() for word in words)


def _member(description: Any) -> Member:
    assigned = description.assignment.topic_partitions if description.assignment else None
    return Member(
        client_id=description.client_id or "",
        host=description.host or "",
        partitions=tuple(sorted((place.topic, place.partition) for place in assigned or [])),
    )
