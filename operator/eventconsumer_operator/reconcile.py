"""The story of one EventConsumer: gather what is, decide, apply what differs, report what is true.

It is told from the beginning each time a key comes out of the queue, whatever put it there, so it never
matters which event was missed. Nothing is written that is so already.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from eventconsumer_operator import checks, desired, groups
from eventconsumer_operator.affected import affected
from eventconsumer_operator.applying import Applier, obstacle
from eventconsumer_operator.autoscaler import Autoscaler
from eventconsumer_operator.availability import IN_MOTION, STARTING
from eventconsumer_operator.budget import news, write_due
from eventconsumer_operator.cluster import Refused, Unavailable
from eventconsumer_operator.connection import Connection, cluster_of, recreated, remembered
from eventconsumer_operator.deletion import Step, left, parting
from eventconsumer_operator.errands import CommitEnds, DeleteGroup
from eventconsumer_operator.events import event
from eventconsumer_operator.hearing import heard
from eventconsumer_operator.indexes import BY_CONSUMER
from eventconsumer_operator.memory import Memory
from eventconsumer_operator.metrics import told
from eventconsumer_operator.models import EventConsumer, Metadata
from eventconsumer_operator.names import (
    CLAIMS,
    DEPLOYMENTS,
    EVENT_CONSUMERS,
    FINALIZER,
    KAFKAS,
    PODS,
    TOPICS,
    USERS,
    ObjectKey,
    Reason,
)
from eventconsumer_operator.outcome import Outcome
from eventconsumer_operator.pod_template import claim_name
from eventconsumer_operator.questions import Target
from eventconsumer_operator.reach import access_to
from eventconsumer_operator.status import report, unreadable
from eventconsumer_operator.tidings import Tiding
from eventconsumer_operator.world import World, asked_too_early, awaits_first_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from eventconsumer_operator.access import Access, Credentials
    from eventconsumer_operator.cluster import Cluster, ClusterError
    from eventconsumer_operator.errands import Errands
    from eventconsumer_operator.findings import Finding
    from eventconsumer_operator.keeper import Keeper
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.pod_template import Image
    from eventconsumer_operator.poller import Poller
    from eventconsumer_operator.store import Store

logger = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 1.0
"""How soon to look whether Kafka was asked since workers came or went."""
_CALM_SECONDS = 5.0
"""How soon figures are tried again that could not be written for all the other writes."""


@dataclass(frozen=True)
class Reconciler:
    """Brings EventConsumers to what their resources say."""

    cluster: Cluster
    store: Store
    poller: Poller
    errands: Errands
    keeper: Keeper
    image: Image
    status_interval: float
    later: Callable[[ObjectKey, float], None]
    """Asks for a key to be reconciled again in so many seconds."""
    autoscaler: Autoscaler = field(default_factory=Autoscaler)
    credentials: tuple[Credentials, ...] = ()
    """As whom the operator itself asks Kafka."""
    memories: dict[ObjectKey, Memory] = field(default_factory=dict)

    async def reconcile(self, key: ObjectKey) -> None:
        """Bring one EventConsumer to its desired state and say what is true now."""
        body = self.store.get(EVENT_CONSUMERS, key)
        if body is None or (_goes(body) and not _has_finalizer(body)):
            # What it owns goes with it: Kubernetes collects owned objects by itself.
            self._forget(key)
            return
        try:
            consumer = EventConsumer.model_validate(body)
        except ValidationError as failure:
            if _goes(body):
                await self._release(key, body)
                return
            await self._write(key, body.get("status", {}), unreadable(body, failure, now=datetime.now(UTC)))
            return
        if _goes(body):
            await self._part(key, body, consumer)
            return
        await self._keep_finalizer(body, wanted=consumer.spec.deletion_policy == "Delete")
        world = self._observed(key, await self._gather(key, consumer, body.get("status", {})))
        world = self._scaled(key, world)
        connection, findings = checks.connection_of(world), checks.findings(world)
        hindrance = None
        if connection is not None and _may_apply(world, findings):
            start = self._fix_start(key, world, connection)
            if start is None:
                return  # Kafka is being asked, and its answer brings the key back.
            if start is Outcome.DONE:
                world, hindrance = await self._apply(key, world, connection)
                findings += [obstacle(hindrance)] if hindrance else []
            else:
                findings.append(checks.start_not_fixed(connection, start))
        await self._report(key, world, connection, findings)
        if isinstance(hindrance, Unavailable):
            raise hindrance  # So it is tried again, later and later.

    def _scaled(self, key: ObjectKey, world: World) -> World:
        """Add how many workers lag calls for, where the resource leaves that to lag."""
        decision = self.autoscaler.decide(key, world, now=datetime.now(UTC), at=time.monotonic())
        if decision is not None and decision.again is not None:
            self.later(key, decision.again)
        return replace(world, scaled=decision)

    def _forget(self, key: ObjectKey) -> None:
        self.poller.forget(key)
        self.autoscaler.forget(key)
        self.keeper.call_off(key)
        self.errands.call_off(key)
        self.memories.pop(key, None)

    def _fix_start(self, key: ObjectKey, world: World, connection: Connection) -> Outcome | None:
        """Have the first offsets of a new group committed where it starts from the latest record."""
        if world.deployment is not None or world.consumer.spec.start_from != "latest":
            self.errands.call_off(key)
            return Outcome.DONE
        errand = CommitEnds(self._access(connection, world), world.consumer.group_id, connection.topic)
        return self.errands.run(key, errand)

    async def _keep_finalizer(self, body: Manifest, *, wanted: bool) -> None:
        """Have our finalizer on the resource exactly while its group is to be deleted with it."""
        if wanted == _has_finalizer(body):
            return
        others = [name for name in body["metadata"].get("finalizers", []) if name != FINALIZER]
        returned = await self.cluster.set_finalizers(body, [*others, FINALIZER] if wanted else others)
        if returned is not None:
            self.store.put(EVENT_CONSUMERS, returned)

    async def _part(self, key: ObjectKey, body: Manifest, consumer: EventConsumer) -> None:
        """Take the next step of a deletion that takes the consumer group along."""
        self.poller.forget(key)
        self.keeper.call_off(key)
        world = await self._gather(key, consumer, body.get("status", {}))
        connection, now = checks.connection_of(world), datetime.now(UTC)
        errand = DeleteGroup(self._access(connection, world), consumer.group_id) if connection else None
        outcome = self.errands.outcome(key, errand) if errand else None
        coming = parting(world, connection, heir=groups.heir(key, self.store), outcome=outcome, now=now)
        if coming.step is Step.RELEASE:
            await self._release(key, body)
            if coming.reason is not None:
                good = coming.reason is Reason.GROUP_DELETED
                await self._tell(consumer.metadata, Tiding(coming.reason, coming.message, good=good))
            return
        self.later(key, max(1.0, left(world, now=now).total_seconds()))
        if coming.step is Step.STOP_WORKERS and connection is not None:
            stopped = desired.deployment(consumer, connection, self.image, replicas=0)
            await self._applier.apply_one(DEPLOYMENTS, stopped, world.deployment, self._memory(key))
        elif coming.step is Step.DELETE_GROUP and errand is not None:
            self.errands.run(key, errand)

    async def _release(self, key: ObjectKey, body: Manifest) -> None:
        """Let a deleted resource go, and forget it at once: nothing more may be done in its name."""
        others = [name for name in body["metadata"].get("finalizers", []) if name != FINALIZER]
        returned = await self.cluster.set_finalizers(body, others)
        self._forget(key)
        if returned is not None and others:
            self.store.put(EVENT_CONSUMERS, returned)
        else:
            self.store.remove(EVENT_CONSUMERS, body)

    async def _tell(self, about: Metadata, tiding: Tiding) -> None:
        said = (about.namespace, about.name, tiding.reason, tiding.message)
        logger.info("%s/%s: %s (%s)", *said, extra={"reason": tiding.reason})
        await self.cluster.tell(event(about, tiding, now=datetime.now(UTC)))

    async def _gather(self, key: ObjectKey, consumer: EventConsumer, status: Manifest) -> World:
        """Read what the API server has; only an object that may have to be created is asked for."""
        reference, user = consumer.spec.topic_ref, consumer.spec.user_ref
        topic = self.store.get(TOPICS, ObjectKey(key.namespace, reference.name)) if reference else None
        cluster = cluster_of(topic) if topic else None
        return World(
            consumer=consumer,
            status=status,
            topic=topic,
            kafka=self.store.get(KAFKAS, ObjectKey(key.namespace, cluster)) if cluster else None,
            user=self.store.get(USERS, ObjectKey(key.namespace, user.name)) if user else None,
            strimzi_served=self.store.serves(TOPICS),
            users_served=self.store.serves(USERS),
            deployment=await self._find(DEPLOYMENTS, key),
            claim=await self._find(CLAIMS, ObjectKey(key.namespace, claim_name(consumer)))
            if consumer.spec.worker.has_volume
            else None,
            pods=await heard(self._pods(key)),
            group_owner=groups.group_owner(key, self.store),
        )

    def _pods(self, key: ObjectKey) -> tuple[Manifest, ...]:
        return tuple(self.store.find(PODS, BY_CONSUMER, key).values())

    async def _find(self, kind: str, key: ObjectKey) -> Manifest | None:
        """Return an object of ours from the store, or ask: the watches see only what carries our label."""
        return self.store.get(kind, key) or await self.cluster.get(kind, key)

    def _access(self, connection: Connection, world: World) -> Access:
        return access_to(connection, world, self.store, self.credentials)

    def _observed(self, key: ObjectKey, world: World) -> World:
        """Have Kafka asked about what the resource leads to now, and add what it said of just that.

        What it said of an earlier topic is no ground for a verdict, nor for a number of workers.
        """
        consumer, connection = world.consumer, checks.connection_of(world)
        if connection is None:
            self.poller.forget(key)
            return world
        self.poller.follow(
            key,
            Target(
                access=self._access(connection, world),
                topic=connection.topic,
                group=consumer.group_id,
                start_from=consumer.spec.start_from,
                dead_letter_topic=consumer.dead_letter_topic(connection.topic),
            ),
        )
        return replace(world, observation=self.poller.observation(key))

    async def _apply(
        self, key: ObjectKey, world: World, connection: Connection
    ) -> tuple[World, ClusterError | None]:
        """Have the workers be as they should, and tell of a topic that was made again."""
        before = remembered(world.deployment)
        world, failure = await self._applier.apply(world, connection, self._memory(key))
        if isinstance(failure, Refused):
            self.later(key, STARTING.total_seconds())
        if failure is None and recreated(before, connection):
            made = f"topic {connection.topic} was deleted and made again (id {connection.topic_id})"
            tiding = Tiding(Reason.TOPIC_RECREATED, f"{made}, so the workers restart", good=False)
            await self._tell(world.consumer.metadata, tiding)
        return world, failure

    def _memory(self, key: ObjectKey) -> Memory:
        return self.memories.setdefault(key, Memory())

    @property
    def _applier(self) -> Applier:
        return Applier(self.cluster, self.store, self.image)

    async def _report(
        self, key: ObjectKey, world: World, connection: Connection | None, findings: list[Finding]
    ) -> None:
        now, memory = datetime.now(UTC), self._memory(key)
        if connection is not None and awaits_first_answer(world) and (wait := memory.patience()) > 0:
            self.later(key, wait)
            return
        ready = (world.deployment or {}).get("status", {}).get("readyReplicas", 0)
        world = replace(world, crew_since=memory.count(ready, now))
        self.keeper.look(key, world, self.poller.target(key), empty_since=world.crew_since, now=now)
        status = report(world, connection, findings, now=now)
        await self._write(key, world.status, status)
        if asked_too_early(world):
            self.later(key, _LOOK_AGAIN_SECONDS)
        if status["summary"]["status"] in IN_MOTION:
            # A planned look may stem from an earlier life of this name, so one look at the end is not enough.
            self.later(key, STARTING.total_seconds() / 6)

    async def _write(self, key: ObjectKey, before: Manifest, status: Manifest) -> None:
        memory = self._memory(key)
        memory.told = told(status)
        now = time.monotonic()
        due = write_due(
            before, status, since_write=now - memory.status_written_at, interval=self.status_interval
        )
        if due is None:
            return
        if due == 0 and not news(before, status) and not self.cluster.calm():
            due = _CALM_SECONDS  # Figures wait until those who have news to tell are through.
        if due > 0:
            self.later(key, due)
            return
        held = self.store.get(EVENT_CONSUMERS, key)
        written = await self.cluster.write_status(key, status)
        if written is None:
            self._lose(held)
            return
        memory.status_written_at = now
        old, new = before.get("summary", {}).get("status"), status["summary"]["status"]
        if old != new:
            said = ("/".join(key), new, status["conditions"][0]["message"])
            logger.info("%s: %s (%s)", *said, extra={"reason": new})
        self.store.put(EVENT_CONSUMERS, written)
        for tiding in memory.troubles.after(before, status):
            await self._tell(Metadata.model_validate(written["metadata"]), tiding)

    def _lose(self, held: Manifest | None) -> None:
        """Do nothing more for a resource that went unheard, and look at those that waited for its group."""
        if held is not None:
            self.store.lose(EVENT_CONSUMERS, held)
            for key in affected(EVENT_CONSUMERS, held, self.store):
                self.later(key, 0.0)


def _goes(body: Manifest) -> bool:
    return bool(body["metadata"].get("deletionTimestamp"))


def _has_finalizer(body: Manifest) -> bool:
    return FINALIZER in body["metadata"].get("finalizers", [])


def _may_apply(world: World, findings: list[Finding]) -> bool:
    """Tell whether objects may be written: not over another's, and none is made only to stand still."""
    reasons = {finding.reason for finding in findings}
    if Reason.NAME_CONFLICT in reasons:
        return False
    return Reason.GROUP_CONFLICT not in reasons or world.deployment is not None
