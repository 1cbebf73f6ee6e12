"""One run of the operator: what it holds, what runs beside the watches, and whether all of that still turns.

Watches alone are not trusted to tell everything: before the first decision and every few minutes all kinds
are listed, so that a decision never rests on something that merely has not been heard yet, or vanished
unheard. Whoever does not lead watches and lists as well, and so can go on at once; it decides nothing, asks
Kafka nothing and writes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY

from eventconsumer_operator import logs, metrics
from eventconsumer_operator.affected import affected
from eventconsumer_operator.cluster import Cluster, ClusterError
from eventconsumer_operator.errands import Errands
from eventconsumer_operator.keeper import Keeper
from eventconsumer_operator.kinds import WATCHED
from eventconsumer_operator.leader import Election
from eventconsumer_operator.names import EVENT_CONSUMERS
from eventconsumer_operator.pace import Pace
from eventconsumer_operator.pod_template import Image
from eventconsumer_operator.poller import Poller
from eventconsumer_operator.reconcile import Reconciler
from eventconsumer_operator.silence import Silence
from eventconsumer_operator.store import Store, key_of, version
from eventconsumer_operator.workqueue import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eventconsumer_operator.config import Config
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.names import ObjectKey

logger = logging.getLogger(__name__)

_LOOK_FOR_KINDS_SECONDS = 15.0
_STUCK_SECONDS = 60.0


class Runtime:
    """Everything that lives from the operator's start to its end."""

    def __init__(self, config: Config, watch_fault: Callable[[], str | None]) -> None:
        """Put the parts together; nothing runs before ``start``. ``watch_fault`` says that no watch runs."""
        self.config = config
        self._watch_fault = watch_fault
        self.store = Store()
        self.started = False
        """Whether everything was listed once."""
        self.kinds_changed = asyncio.Event()
        """Set when the API server begins or ceases to serve a kind: the watches have to be set up anew."""
        self.served: Mapping[str, str] = {}
        """The version in which each kind is watched; a kind that is not served is absent."""
        self.queue = WorkQueue(self._reconcile, workers=config.reconcile_workers)
        self.errands = Errands(timeout=config.kafka_timeout_seconds, changed=self.queue.add)
        # A renewed group changes nothing that anyone would have to look at.
        renewals = Errands(timeout=config.kafka_timeout_seconds, changed=lambda _: None)
        self.keeper = Keeper(renewals, self.queue.add_after)
        self.poller = Poller(
            interval=config.lag_interval_seconds,
            timeout=config.kafka_timeout_seconds,
            changed=self.queue.add_behind,
        )
        self._election = Election(config.pod_name)
        self._silence = Silence(patience=config.watch_patience_seconds)
        self._consumers = metrics.Consumers(self._told)
        self._leads = False
        self._cluster: Cluster | None = None
        self._reconciler: Reconciler | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Connect, list what is there, and stand for election."""
        if self._cluster is None:  # A start that failed halfway is tried again.
            pace = Pace(per_second=self.config.writes_per_second, burst=self.config.writes_burst)
            self._cluster = await Cluster.connect(pace=pace, may_write=self._election.seconds_left)
        self._reconciler = Reconciler(
            cluster=self._cluster,
            store=self.store,
            poller=self.poller,
            errands=self.errands,
            keeper=self.keeper,
            image=Image(self.config.workers_image, self.config.workers_image_pull_policy),
            status_interval=self.config.status_interval_seconds,
            later=self.queue.add_after,
            credentials=self.config.kafka_credentials,
        )
        self.served = await self._served()
        await self.resync()
        lease = self._cluster.lease(self.config.pod_namespace)
        self._tasks = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("election", self._election.run(lease, self._lead)),
                ("resync", self._resync_for_ever()),
                ("served kinds", self._watch_served(self.served)),
            )
        ]
        metrics.queue_depth.set_function(self.queue.depth)
        REGISTRY.register(self._consumers)
        self.started = True

    async def stop(self) -> None:
        """End everything that ``start`` began."""
        if self.started:
            REGISTRY.unregister(self._consumers)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._cluster is not None:
            await self._cluster.close()

    def hear(self, kind: str, *, deleted: bool, manifest: Manifest) -> None:
        """Note one watch event and have the EventConsumers it concerns looked at."""
        self._silence.heard(kind, key_of(manifest), version(manifest), gone=deleted)
        if deleted:
            self.store.remove(kind, manifest)
        else:
            self.store.hear(kind, manifest)
        for key in affected(kind, manifest, self.store):
            self.queue.add(key)

    async def resync(self) -> None:
        """List every kind, and have every EventConsumer looked at."""
        if self._cluster is None:
            return
        known = self.store.keys(EVENT_CONSUMERS)
        for kind in (each.plural for each in WATCHED):
            for namespace in self.config.watch_namespaces or (None,):
                await self._list(self._cluster, kind, namespace)
        for key in known | self.store.keys(EVENT_CONSUMERS):
            self.queue.add_behind(key)

    def fault(self) -> str | None:
        """Return what no longer turns, or None where all is well."""
        for task in self._tasks:
            if task.done():
                return f"{task.get_name()} has ended"
        now = time.monotonic()
        if (
            self._leads
            and now - self.poller.turned_at > _STUCK_SECONDS + 3 * self.config.lag_interval_seconds
        ):
            return "the lag poller is stuck"
        return self._watch_fault() or self._silence.fault(now=now)

    async def _lead(self) -> None:
        """Work until another one may: look at every EventConsumer, and follow its lag."""
        for key in self.store.keys(EVENT_CONSUMERS):
            self.queue.add_behind(key)
        self.poller.turned_at = time.monotonic()
        self._leads = True
        metrics.leading.set(1)
        try:
            async with asyncio.TaskGroup() as group:
                # Begins by forgetting what an earlier lead was told, before anything is decided by it.
                group.create_task(self.poller.run(), name="lag poller")
                group.create_task(self.queue.run(), name="reconcilers")
        finally:
            self._leads = False
            metrics.leading.set(0)
            metrics.kafka_up.clear()
            if self._reconciler is not None:
                self._reconciler.autoscaler.clear()
                self._reconciler.memories.clear()
            await self.errands.stop()
            await self.keeper.stop()

    async def _reconcile(self, key: ObjectKey) -> None:
        if self._reconciler is None:
            return
        result = "error"
        try:
            with logs.about(key), metrics.reconcile_seconds.time():
                await self._reconciler.reconcile(key)
            result = "ok"
        finally:
            metrics.reconciles.labels(result).inc()

    def _told(self) -> list[tuple[ObjectKey, metrics.Told]]:
        """Return what the leader knows of every EventConsumer."""
        if not self._leads or self._reconciler is None:
            return []
        return [(key, one.told) for key, one in self._reconciler.memories.items() if one.told is not None]

    async def _list(self, cluster: Cluster, kind: str, namespace: str | None) -> None:
        listed: set[ObjectKey] = set()

        def show(manifest: Manifest) -> None:
            listed.add(key_of(manifest))
            self._compare(kind, manifest)
            self.store.put(kind, manifest)

        at = await cluster.list_all(kind, show, namespace=namespace)
        if at is None:
            self.store.settle_unserved(kind)
        else:
            self.store.settle(kind, listed, at=at, namespaces=(namespace,) if namespace else ())

    def _compare(self, kind: str, listed: Manifest) -> None:
        """Note what a listing shows and the watches have not told; before they run, there is no telling."""
        if self.started and not self.store.told(kind, listed):
            self._silence.listed(kind, key_of(listed), version(listed), now=time.monotonic())

    async def _resync_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.config.resync_interval_seconds)
            try:
                await self.resync()
            except ClusterError as failure:
                logger.warning("resync: %s", failure)

    async def _served(self) -> Mapping[str, str]:
        return await self._cluster.discover() if self._cluster is not None else {}

    async def _watch_served(self, before: Mapping[str, str]) -> None:
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
