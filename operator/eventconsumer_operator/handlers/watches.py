"""What is watched, and where what is heard goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import kopf

from eventconsumer_operator.kinds import DISCOVERED, WATCHED, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eventconsumer_operator.runtime import Runtime

_watched: set[Kind] = set()


async def hear(event: Any, resource: kopf.Resource, memo: kopf.Memo, **_: object) -> None:
    """Pass one watch event on."""
    runtime: Runtime = memo.runtime
    runtime.hear(resource.plural, deleted=event["type"] == "DELETED", manifest=dict(event["object"]))


def watch(kinds: Mapping[str, str]) -> None:
    """Have kinds watched in the version that the API server has them in; only before kopf looks for them.

    kopf itself would take the version that the server prefers for their group, which need not have them all.
    """
    for kind in DISCOVERED:
        if kind.plural in kinds:
            _watch(kind._replace(version=kinds[kind.plural]))


def _watch(kind: Kind) -> None:
    if kind not in _watched:
        _watched.add(kind)
        kopf.on.event(kind.group, kind.version, kind.plural)(hear)


for fixed in WATCHED:
    if fixed.version is not None:
        _watch(fixed)
