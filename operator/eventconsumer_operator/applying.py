"""Makes what an EventConsumer owns as its resource says, and tells what keeps it from that.

Nothing is written that is so already. A failure that may be over in a moment is nothing to tell: only the
second one in a row is.
"""

from __future__ import annotations

import logging
import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eventconsumer_operator import desired
from eventconsumer_operator.cluster import NotLeading, Refused, Unavailable
from eventconsumer_operator.drift import Applied, needs_apply
from eventconsumer_operator.findings import Finding
from eventconsumer_operator.names import CLAIMS, DEPLOYMENTS, ConditionType, Reason

if TYPE_CHECKING:
    from eventconsumer_operator.cluster import Cluster, ClusterError
    from eventconsumer_operator.connection import Connection
    from eventconsumer_operator.memory import Memory
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.pod_template import Image
    from eventconsumer_operator.store import Store
    from eventconsumer_operator.world import World

logger = logging.getLogger(__name__)

_LONGEST_MESSAGE = 1024


@dataclass(frozen=True)
class Applier:
    """Applies the objects of EventConsumers."""

    cluster: Cluster
    store: Store
    image: Image

    async def apply(
        self, world: World, connection: Connection, memory: Memory
    ) -> tuple[World, ClusterError | None]:
        """Apply what differs, and return the world as it is then with what kept the rest from being applied.

        Unavailable is raised the first time in a row, and NotLeading always.
        """
        try:
            # The volume claim comes first, because the Deployment's pod mounts it.
            claim = desired.claim(world.consumer)
            if claim is not None:
                world = replace(world, claim=await self.apply_one(CLAIMS, claim, world.claim, memory))
            wanted = desired.deployment(world.consumer, connection, self.image, replicas=world.replicas)
            made = await self.apply_one(DEPLOYMENTS, wanted, world.deployment, memory)
        except NotLeading:
            raise
        except Unavailable as failure:
            memory.failed_applies += 1
            if memory.failed_applies == 1:
                raise
            return world, failure
        except Refused as refused:
            memory.failed_applies = 0
            return world, refused
        memory.failed_applies = 0
        return replace(world, deployment=made), None

    async def apply_one(self, kind: str, wanted: Manifest, live: Manifest | None, memory: Memory) -> Manifest:
        """Apply one object where it may differ, and return it as it is then."""
        if live is not None and (
            live["metadata"].get("deletionTimestamp")
            or not needs_apply(wanted, live, memory.applied.get(kind))
        ):
            return live
        returned = await self.cluster.apply(kind, wanted)
        memory.applied[kind] = Applied.of(wanted, returned)
        self.store.put(kind, returned)
        if live is None or live["metadata"].get("resourceVersion") != returned["metadata"].get(
            "resourceVersion"
        ):
            metadata, done = wanted["metadata"], "created" if live is None else "repaired or updated"
            logger.info("%s/%s: %s %s", metadata["namespace"], metadata["name"], wanted["kind"], done)
        return returned


def obstacle(failure: ClusterError) -> Finding:
    """Say what keeps the workers from being as the resource says."""
    why = textwrap.shorten(str(failure), _LONGEST_MESSAGE, placeholder="…")
    return Finding(ConditionType.WORKERS_AVAILABLE, Reason.APPLY_REFUSED, why)
