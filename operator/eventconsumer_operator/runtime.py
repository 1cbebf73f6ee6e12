"""One run of the operator: what it holds, what runs beside the watches, and whether all of that still turns.

Watches alone are not trusted to tell everything: before the first decision and every few minutes all kinds
are listed, so that a decision never rests on something that merely has not been heard yet, or vanished
unheard.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from eventconsumer_operator.affected import affected
from eventconsumer_operator.cluster import Cluster, ClusterError
from eventconsumer_operator.errands import Errands
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
from eventconsumer_operator.pod_template import Image
from eventconsumer_operator.poller import Poller
from eventconsumer_operator.reconcile import Reconciler
from eventconsumer_operator.store import Store
from eventconsumer_operator.workqueue import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eventconsumer_operator.config import Config
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.names import ObjectKey

logger = logging.getLogger(__name__)

KINDS = (KAFKAS, TOPICS, DEPLOYMENTS, CLAIMS, PODS, EVENT_CONSUMERS)
_LOOK_FOR_KINDS_SECONDS = 15.0
_STUCK_SECONDS = 60.0


class Runtime:
    """Everything that lives from the operator's start to its end."""

    def __init__(self, config: Config) -> None:
        """Put the parts together; nothing runs before ``start``."""
        self.config = config
        self.store = Store()
        self.kinds_changed = asyncio.Event()
        """Set when the API server begins or ceases to serve a kind: the watches have to be set up anew."""
        self.queue = WorkQueue(self._reconcile, workers=config.reconcile_workers)
        self.errands = Errands(timeout=config.kafka_timeout_seconds, changed=self.queue.add)
        self.poller = Poller(
            interval=config.lag_interval_seconds, timeout=config.kafka_timeout_seconds, changed=self.queue.add
        )
        self._cluster: Cluster | None = None
        self._reconciler: Reconciler | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Connect, list what is there, and begin to work."""
        if self._cluster is None:  # A start that failed halfway is tried again.
            self._cluster = await Cluster.connect()
        self._reconciler = Reconciler(
            cluster=self._cluster,
            store=self.store,
            poller=self.poller,
            errands=self.errands,
            image=Image(self.config.workers_image, self.config.workers_image_pull_policy),
            status_interval=self.config.status_interval_seconds,
            later=self.queue.add_after,
        )
        served = await self._served()
        await self.resync()
        self._tasks = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("reconcilers", self.queue.run()),
                ("lag poller", self.poller.run()),
                ("resync", self._resync_for_ever()),
                ("served kinds", self._watch_served(served)),
            )
        ]

    async def stop(self) -> None:
        """End everything that ``start`` began."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.errands.stop()
        if self._cluster is not None:
            await self._cluster.close()

    def hear(self, kind: str, *, deleted: bool, manifest: Manifest) -> None:
        """Note one watch event and have the EventConsumers it concerns looked at."""
        if deleted:
            self.store.remove(kind, manifest)
        else:
            self.store.put(kind, manifest)
        for key in affected(kind, manifest, self.store):
            self.queue.add(key)

    async def resync(self) -> None:
        """List every kind, and have every EventConsumer looked at."""
        if self._cluster is None:
            return
        known = self.store.keys(EVENT_CONSUMERS)
        for kind in KINDS:
            for namespace in self.config.watch_namespaces or (None,):
                listing = await self._cluster.list_all(kind, namespace=namespace)
                if listing is None:
                    self.store.settle_unserved(kind)
                else:
                    covered = (namespace,) if namespace else ()
                    self.store.settle(kind, listing.items, at=listing.version, namespaces=covered)
        for key in known | self.store.keys(EVENT_CONSUMERS):
            self.queue.add(key)

    def fault(self) -> str | None:
        """Return what no longer turns, or None where all is well."""
        for task in self._tasks:
            if task.done():
                return f"{task.get_name()} has ended"
        if time.monotonic() - self.poller.turned_at > _STUCK_SECONDS + 3 * self.config.lag_interval_seconds:
            return "the lag poller is stuck"
        return None

    async def _reconcile(self, key: ObjectKey) -> None:
        if self._reconciler is not None:
            await self._reconciler.reconcile(key)

    async def _resync_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.config.resync_interval_seconds)
            try:
                await self.resync()
            except ClusterError as failure:
                logger.warning("resync: %s", failure)

    async def _served(self) -> Mapping[str, str | None]:
        if self._cluster is None:
            return {}
        return {group: await self._cluster.served(group) for group in (GROUP, STRIMZI)}

    async def _watch_served(self, before: Mapping[str, str | None]) -> None:
        """Notice Strimzi's resources appearing, vanishing or changing version; discovery needs no right."""
        while True:
            await asyncio.sleep(_LOOK_FOR_KINDS_SECONDS)
            try:
                now = await self._served()
            except ClusterError:
                continue
            if now != before:
                logger.info("the API server now serves %s: starting the watches anew", now)
                self.kinds_changed.set()
                return
