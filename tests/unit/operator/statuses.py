"""Worlds that are told of in a status, and what is told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventconsumer_operator.checks import connection_of, findings
from eventconsumer_operator.lag import LagState
from eventconsumer_operator.names import ObjectKey
from eventconsumer_operator.status import report
from tests.unit.operator.builders import NOW, deployment, observation

if TYPE_CHECKING:
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.world import World

OLDER = ObjectKey("other", "older")
AWAY = {"observation": observation(None, state=LagState.UNKNOWN, behind_seconds=None, topic_exists=None)}
FAILING = deployment(ready=0)
FAILING["status"]["conditions"] = [
    {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods"},
]
BROKEN = {
    "metadata": {"name": "x"},
    "status": {
        "containerStatuses": [{"image": "a/b:1", "state": {"waiting": {"reason": "ImagePullBackOff"}}}],
    },
}
UNSCHEDULABLE = {
    "metadata": {"name": "x"},
    "status": {
        "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node fits"}
        ],
    },
}


def said(seen: World) -> Manifest:
    """Return the status that the operator writes of a world."""
    return report(seen, connection_of(seen), findings(seen), now=NOW)
