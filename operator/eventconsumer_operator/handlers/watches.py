"""What is watched, and where what is heard goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import kopf

from eventconsumer_operator.names import (
    CLAIMS,
    DEPLOYMENTS,
    EVENT_CONSUMERS,
    GROUP,
    KAFKAS,
    PODS,
    STRIMZI,
    TOPICS,
)

if TYPE_CHECKING:
    from eventconsumer_operator.runtime import Runtime


@kopf.on.event(GROUP, EVENT_CONSUMERS)
@kopf.on.event("apps", DEPLOYMENTS)
@kopf.on.event("", CLAIMS)
@kopf.on.event("", PODS)
@kopf.on.event(STRIMZI, TOPICS)
@kopf.on.event(STRIMZI, KAFKAS)
async def hear(event: Any, resource: kopf.Resource, memo: kopf.Memo, **_: object) -> None:
    """Pass one watch event on."""
    runtime: Runtime = memo.runtime
    runtime.hear(resource.plural, deleted=event["type"] == "DELETED", manifest=dict(event["object"]))
