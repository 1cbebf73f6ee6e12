"""A reconciler as tests hold it: the real Cluster over an API server in memory, and a Kafka with answers."""

from __future__ import annotations

import asyncio
import json
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from eventconsumer_operator.cluster import Cluster
from eventconsumer_operator.errands import Errands
from eventconsumer_operator.keeper import Keeper
from eventconsumer_operator.names import DEPLOYMENTS, EVENT_CONSUMERS, KAFKAS, TOPICS, ObjectKey
from eventconsumer_operator.pace import Pace
from eventconsumer_operator.pod_template import Image
from eventconsumer_operator.poller import Poller
from eventconsumer_operator.reconcile import Reconciler
from eventconsumer_operator.store import Store
from tests.unit.operator.builders import kafka, resource, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eventconsumer_operator.errands import Errand
    from eventconsumer_operator.models import Manifest
    from eventconsumer_operator.outcome import Outcome
    from eventconsumer_operator.questions import Target
    from eventconsumer_operator.world import Observation

KEY = ObjectKey("tasks", "notification-service")


@dataclass(frozen=True)
class Answer:
    """What the API server says to one request."""

    status: int
    body: Manifest

    async def read(self) -> bytes:
        return json.dumps(self.body).encode()


@dataclass
class ApiServer:
    """Keeps what is applied, with all workers ready at once; ``failing`` paths answer as they are told."""

    objects: dict[str, Manifest] = field(default_factory=dict)
    failing: dict[str, Answer] = field(default_factory=dict)
    written: list[Manifest] = field(default_factory=list)
    """Every status that was written."""
    version: int = 1000

    async def param_serialize(self, method: str, path: str, *, body: Any, **_: object) -> tuple[Any, ...]:
        return method, path, body

    async def call_api(self, method: str, path: str, body: Any, **_: object) -> Answer:
        failure = next((answer for part, answer in self.failing.items() if part in path), None)
        if failure is not None and method != "GET":
            return failure
        if method == "GET":
            found = self.objects.get(path)
            return Answer(200, found) if found else Answer(404, {})
        if path.endswith("/status"):
            return self._write_status(path.removesuffix("/status"), body[0]["value"])
        return Answer(200, self._merge(path, body))

    def _write_status(self, path: str, status: Manifest) -> Answer:
        if path not in self.objects:
            return Answer(404, {})
        self.written.append(status)
        return Answer(200, self._merge(path, {"status": status}))

    def _merge(self, path: str, body: Manifest) -> Manifest:
        before = self.objects.get(path, {"metadata": {"uid": path, "generation": 0}})
        metadata = before["metadata"] | body.get("metadata", {})
        self.version += 1
        metadata |= {"resourceVersion": str(self.version)}
        if "spec" in body:
            metadata["generation"] = before["metadata"]["generation"] + 1
        merged = {**before, **body, "metadata": metadata}
        if "/deployments/" in path:
            count, seen = merged["spec"]["replicas"], metadata["generation"]
            names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
            merged["status"] = {"observedGeneration": seen, **dict.fromkeys(names, count)}
        self.objects[path] = merged
        return deepcopy(merged)


class Told(Poller):
    """A poller that is told what Kafka says of a topic, by the servers and the topic's name."""

    def __init__(self) -> None:
        super().__init__(interval=10, timeout=1, changed=lambda _: None)
        self.says: dict[tuple[str, str], Observation] = {}

    @override
    def observation(self, key: ObjectKey) -> Observation | None:
        target = self.target(key)
        return self.says.get((target.access.servers, target.topic)) if target else None


class Noted(Errands):
    """Errands that are noted, and end as they are told: else never."""

    def __init__(self) -> None:
        super().__init__(timeout=1, changed=lambda _: None)
        self.begun: list[Errand] = []
        self.ends_as: Outcome | None = None

    @override
    def run(self, key: ObjectKey, errand: Errand) -> Outcome | None:
        self.begun.append(errand)
        return self.ends_as


class Reconciling:
    """One EventConsumer, the Kafkas x and y, and the KafkaTopics that a test gives."""

    def __init__(self) -> None:
        self.store, self.api, self.poller, self.errands = Store(), ApiServer(), Told(), Noted()
        api: Any = self.api
        self.terms: Iterator[float] = repeat(60.0)
        """For how long this operator leads, as each write finds it."""
        pace = Pace(per_second=1e6, burst=1000)
        self.again: set[ObjectKey] = set()
        """Who is to be looked at again."""
        self.reconciler = Reconciler(
            cluster=Cluster(api, pace=pace, may_write=lambda: next(self.terms)),
            store=self.store,
            poller=self.poller,
            errands=self.errands,
            keeper=Keeper(Noted(), lambda *_: None),
            image=Image("workers:1", "IfNotPresent"),
            status_interval=15,
            later=lambda key, _: self.again.add(key),
        )
        self.has_kafka("x")
        self.has_kafka("y")

    def has_kafka(self, name: str) -> None:
        body = kafka("plain")
        body["metadata"] |= {"name": name, "uid": name, "resourceVersion": "1"}
        body["status"]["listeners"][0]["bootstrapServers"] = f"{name}:9092"
        self.store.put(KAFKAS, body)

    def has_topic(self, name: str, cluster: str, *, ready: str = "True", version: int = 1) -> None:
        body = topic(ready=ready, labels={"strimzi.io/cluster": cluster}, topicName=f"{name}-events")
        body["metadata"] |= {"name": name, "uid": name, "resourceVersion": str(version)}
        self.store.put(TOPICS, body)

    def edit(self, **spec: Any) -> None:
        """Give the EventConsumer a new spec, as a user does."""
        path = self.reconciler.cluster._path(EVENT_CONSUMERS, KEY)
        body = resource(**spec)
        body["metadata"] |= {"generation": 0, "creationTimestamp": "2026-11-21T10:00:00Z"}
        self.api.objects.setdefault(path, {"metadata": body["metadata"]})
        self.store.put(EVENT_CONSUMERS, self.api._merge(path, {"spec": body["spec"]}))

    def delete(self, *, finalizers: list[str]) -> None:
        """Mark the EventConsumer as deleted."""
        body = self.stored(EVENT_CONSUMERS)
        body["metadata"] |= {
            "deletionTimestamp": "2126-11-21T12:00:00Z",  # Its patience lasts.
            "finalizers": finalizers,
            "resourceVersion": "100000",
        }
        self.store.put(EVENT_CONSUMERS, body)

    def has_finalizers(self, *finalizers: str) -> None:
        """Let others have put finalizers on the EventConsumer."""
        path = self.reconciler.cluster._path(EVENT_CONSUMERS, KEY)
        self.store.put(EVENT_CONSUMERS, self.api._merge(path, {"metadata": {"finalizers": list(finalizers)}}))

    def written_to_the_resource(self) -> Manifest:
        """Return the metadata of the EventConsumer as the API server has it."""
        metadata: Manifest = self.api.objects[self.reconciler.cluster._path(EVENT_CONSUMERS, KEY)]["metadata"]
        return metadata

    def vanish(self) -> None:
        """Delete the EventConsumer with all it owns, and let no watch tell of it."""
        self.api.objects.clear()
        self.store.remove(DEPLOYMENTS, self.stored(DEPLOYMENTS))

    def reconcile(self) -> Manifest:
        """Reconcile once, and return the last status that was written."""
        asyncio.run(self.reconciler.reconcile(KEY))
        return self.api.written[-1] if self.api.written else {}

    def stored(self, kind: str) -> Manifest:
        """Return what the store has of the EventConsumer or of its Deployment."""
        found = self.store.get(kind, KEY)
        assert found is not None
        return found

    def target(self) -> Target:
        """Return what the poller asks."""
        found = self.poller.target(KEY)
        assert found is not None
        return found

    def workers_at(self) -> tuple[str, str]:
        """Return the servers and the topic that the workers were given."""
        (worker,) = self.stored(DEPLOYMENTS)["spec"]["template"]["spec"]["containers"]
        env = {entry["name"]: entry.get("value") for entry in worker["env"]}
        return env["KAFKA_BOOTSTRAP_SERVERS"], env["KAFKA_TOPIC"]
