"""The kinds of objects that the operator watches: the one list that everything else reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eventconsumer_operator.names import (
    CLAIMS,
    DEPLOYMENTS,
    EVENT_CONSUMERS,
    GROUP,
    KAFKAS,
    PODS,
    STRIMZI,
    TOPICS,
    USERS,
    VERSION,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


class Kind(NamedTuple):
    """One kind, by its place in the API."""

    group: str
    plural: str
    version: str | None = None
    """None where the API server is asked which of its versions it serves."""
    owned: bool = False
    """Whether only objects with our label are watched; all others are none of our business."""


WATCHED = (
    Kind(STRIMZI, KAFKAS),
    Kind(STRIMZI, TOPICS),
    Kind(STRIMZI, USERS),
    Kind("apps", DEPLOYMENTS, "v1", owned=True),
    Kind("", CLAIMS, "v1", owned=True),
    Kind("", PODS, "v1", owned=True),
    # Last: whoever lists in this order has read everything else when it comes to the EventConsumers.
    Kind(GROUP, EVENT_CONSUMERS, VERSION),
)
OWNED = frozenset(kind.plural for kind in WATCHED if kind.owned)
DISCOVERED = tuple(kind for kind in WATCHED if kind.version is None)


def versions(group: str, offers: Iterable[tuple[str, Collection[str]]]) -> dict[str, str]:
    """Return the version in which each kind of an API group is taken.

    ``offers`` are the group's versions with the kinds (plurals) in them, best first. A kind that is in no
    version, or not in the one we know, is absent.
    """
    known = {kind.plural: kind.version for kind in WATCHED if kind.group == group}
    taken: dict[str, str] = {}
    for version, plurals in offers:
        for plural in known.keys() & set(plurals):
            if known[plural] in {None, version}:
                taken.setdefault(plural, version)
    return taken
